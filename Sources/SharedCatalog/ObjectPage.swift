package import Blobs
package import StoreRules

/// What the changes of a batch make of objects, beside the rows on the `CatalogPage`: a value, undone together with a
/// change.
///
/// By itself the transaction makes garbage of the object of a blob that comes to be gone or forgotten, and of the list of
/// an upload that is no longer open; unless, of these, `hold` has taken the list or it was set to nil.
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
    var garbage: [BlobObject] = []

    package init() {}

    /// What the blob's row names by now; nil for one without bytes.
    package subscript(_ address: BlobAddress) -> BlobObject? { current[address] }

    /// Lets the blob's row name `object`. What it named before becomes garbage, unless it is the same.
    package mutating func hold(_ address: BlobAddress, by object: BlobObject) {
        guard let former = current.updateValue(object, forKey: address) else {
            changedBlobs.insert(address)
            return
        }
        if former == object { return }
        changedBlobs.insert(address)
        garbage.append(former)
    }

    /// Adds an object to a list.
    package mutating func add(_ part: ObjectRow) { added.append(part) }

    /// Takes an object out of its list. It stays what it is: garbage where `dispose` says so, a blob where `hold` does.
    package mutating func remove(_ part: ObjectID) {
        guard let place = added.firstIndex(where: { $0.id == part }) else { return dropped.append(part) }
        added.remove(at: place)
    }

    /// Makes garbage of an object, or of a list and all objects in it.
    package mutating func dispose(_ object: BlobObject) { garbage.append(object) }

    /// What an upload consists of, which is loaded together with its row: nil where that is not here, or not open. Set to
    /// nil where nothing is to be done about its list any more.
    package subscript(_ id: UploadID) -> UploadObjects? {
        get { uploads[id] }
        set {
            uploads[id] = newValue
            changedUploads.insert(id)
        }
    }
}
