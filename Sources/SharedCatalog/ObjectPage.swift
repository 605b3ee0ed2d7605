package import Blobs
package import StoreRules

/// What the changes of a batch make of objects, beside the rows on the `CatalogPage`: a value, undone together with a
/// change.
///
/// By itself the transaction makes garbage of the object of a blob that comes to be gone or forgotten, and of the list of
/// an upload that is no longer open; unless `hold` has taken that list, or `adopt` its only object.
package struct ObjectPage: Sendable {
    /// What the blobs on the page name, and what the stored rows name.
    var current: [BlobAddress: BlobObject] = [:]
    /// Uploads, as they are now.
    var uploads: [UploadID: UploadObjects] = [:]
    /// Uploads of which that was changed.
    var changedUploads: Set<UploadID> = []
    /// Blobs of which that was changed.
    var changedBlobs: Set<BlobAddress> = []
    var added: [ObjectRow] = []
    var dropped: [ObjectID] = []
    /// Lists whose objects have another use by now.
    var taken: Set<ObjectID> = []
    var garbage: [BlobObject] = []

    package init() {}

    /// What the blob's row names by now; nil for one without bytes.
    package subscript(_ address: BlobAddress) -> BlobObject? { current[address] }

    /// Lets the blob's row name `object`. What it named before becomes garbage, unless it is the same.
    package mutating func hold(_ address: BlobAddress, by object: BlobObject) {
        if object.isList { taken.insert(object.id) }
        let former = current.updateValue(object, forKey: address)
        if former == object { return }
        changedBlobs.insert(address)
        if let former { garbage.append(former) }
    }

    /// Adds an object to a list.
    package mutating func add(_ part: ObjectRow) { added.append(part) }

    /// Takes an object out of its list, and makes garbage of it.
    package mutating func remove(_ part: ObjectRow) {
        drop(part)
        garbage.append(BlobObject(id: part.id, isList: false))
    }

    /// Takes the only object out of its list, which is no more: a blob's row names the object from now on.
    package mutating func adopt(_ part: ObjectRow) {
        drop(part)
        taken.insert(part.list)
    }

    private mutating func drop(_ part: ObjectRow) {
        guard let place = added.firstIndex(where: { $0.id == part.id }) else { return dropped.append(part.id) }
        added.remove(at: place)
    }

    /// Makes garbage of an object, or of a list and all objects in it.
    package mutating func dispose(_ object: BlobObject) { garbage.append(object) }

    /// What an upload consists of, which is loaded together with its row: nil where that is not here, or not open. A change
    /// that makes an upload sets it as well.
    package subscript(upload id: UploadID) -> UploadObjects? {
        get { uploads[id] }
        set {
            uploads[id] = newValue
            changedUploads.insert(id)
        }
    }
}

/// What the transaction does with it.
extension ObjectPage {
    /// Takes what a stored row names, unless a change has spoken about it.
    mutating func load(_ object: BlobObject, of address: BlobAddress) {
        if current[address] == nil, !changedBlobs.contains(address) { current[address] = object }
    }

    mutating func load(_ objects: UploadObjects, of id: UploadID) {
        if uploads[id] == nil, !changedUploads.contains(id) { uploads[id] = objects }
    }

    /// Makes garbage of what blobs name that have no bytes any more.
    mutating func release(_ address: BlobAddress) {
        guard let former = current.removeValue(forKey: address) else { return }
        changedBlobs.insert(address)
        garbage.append(former)
    }

    /// Makes garbage of the list of an upload that is not open any more, unless a blob has it.
    mutating func release(_ id: UploadID) {
        guard let former = uploads.removeValue(forKey: id) else { return }
        changedUploads.insert(id)
        if taken.contains(former.list) { return }
        garbage.append(BlobObject(id: former.list, isList: true))
    }
}
