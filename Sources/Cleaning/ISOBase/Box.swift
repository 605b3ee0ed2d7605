/// Where a box lies in its file (ISO/IEC 14496-12, 4.2).
///
/// | bytes | |
/// |---|---|
/// | 4 | size of the whole box; 1: 64 bits follow the type; 0: up to the end of the file |
/// | 4 | type |
/// | 8 | the size, where the first field was 1 |
/// | 16 | the user type, where the type is `uuid` |
package struct Box: Hashable, Sendable {
    package let type: BoxType
    /// The whole box with its header.
    package let range: Range<Int64>
    /// What follows header and user type.
    package let payload: Range<Int64>
    /// How many boxes it lies in.
    package let depth: Int

    package var payloadBytes: Int64 { payload.upperBound - payload.lowerBound }
}

/// Version, flags and the rest of a full box (ISO/IEC 14496-12, 4.2.2).
package struct FullBox: Hashable, Sendable {
    package let box: Box
    package let version: UInt8
    package let flags: UInt32
    /// What follows version and flags.
    package let body: Range<Int64>

    package var bodyBytes: Int64 { body.upperBound - body.lowerBound }
}
