/// What anybody can see of a sealed blob without a key: how it begins and how long it must be.
package enum SealedShape {
    /// The first four bytes, `SBLB`.
    package static let magic: [UInt8] = [0x53, 0x42, 0x4c, 0x42]
    /// Header, and a first chunk of an empty padded plaintext: 64 + 8 + 16.
    package static let smallestBytes: Int64 = 88
}
