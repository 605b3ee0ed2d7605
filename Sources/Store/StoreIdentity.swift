import Blobs

/// The random name of one store, written as 32 lower-case hexadecimal digits. It is stored both beside the blobs and in
/// the catalog, so that neither is ever combined with the other half of another store.
package struct StoreIdentity: HexadecimalBytes, Hashable, CustomStringConvertible {
    package static let byteCount = 16
    package let bytes: [UInt8]

    package init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    package var description: String { hex }
}
