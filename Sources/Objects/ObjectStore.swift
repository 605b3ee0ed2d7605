package import Blobs

/// A place for objects: runs of bytes under names that are never used for other bytes.
///
/// An object may be lost or changed behind the back of whoever put it there, so whoever reads compares the bytes with
/// the digest that they should have. All calls may run at once, from anywhere; a task that is cancelled makes its call
/// fail. What failed may have happened all the same.
package protocol ObjectStore: Sendable {
    /// Puts an object of at most `ObjectRow.limitBytes` there; it is durable when this returns. Again under the same name,
    /// with the same bytes, it does no harm.
    ///
    /// - Parameter digest: The SHA-256 of `bytes`. The store refuses what has another when it arrives.
    func put(_ bytes: [UInt8], as name: ObjectName, digest: BlobAddress) async throws(ObjectError)

    /// The bytes of an object, or of a range of it; nil where there is no such object.
    ///
    /// - Parameter range: Nil for all of it. Of a range beyond the end of the object there is as much as the object has:
    ///   fewer bytes than were asked for, perhaps none.
    func get(_ name: ObjectName, range: ByteRange?) async throws(ObjectError) -> [UInt8]?

    /// Bytes of an object; nil where there is none.
    func size(of name: ObjectName) async throws(ObjectError) -> Int64?

    /// The first objects in the order of their names, at most 1,000, whose names begin with `folder` and come after
    /// `after`. What was put there or removed meanwhile may be among them or not.
    func list(_ folder: String, after: String?) async throws(ObjectError) -> ObjectListing

    /// Removes objects, as many as 1,000; gives those that are perhaps still there. What is not there counts as removed.
    func remove(_ names: [ObjectName]) async throws(ObjectError) -> [ObjectName]

    /// Ends it: calls that are under way fail, as do those that come.
    func close() async
}

/// One page of the objects that a store lists.
package struct ObjectListing: Hashable, Sendable {
    /// Most objects of a page.
    package static let limit = 1000

    /// In the order of their names.
    package let objects: [ListedObject]
    /// Whether there are none behind these.
    package let isLast: Bool

    package init(objects: [ListedObject], isLast: Bool) {
        self.objects = objects
        self.isLast = isLast
    }
}

/// One object of a page.
package struct ListedObject: Hashable, Sendable {
    /// As it is called below the store's prefix, whoever put it there.
    package let name: String
    /// In bytes.
    package let size: Int64

    package init(name: String, size: Int64) {
        self.name = name
        self.size = size
    }
}
