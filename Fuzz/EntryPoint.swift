import Glibc

/// The harness that `SATCHEL_FUZZ` names: one program holds all of them.
private let harness: Harness = {
    let name = getenv("SATCHEL_FUZZ").map { String(cString: $0) } ?? ""
    guard let harness = Harness.all.first(where: { $0.name == name }) else {
        fatalError("SATCHEL_FUZZ names one of: \(Harness.all.map(\.name).joined(separator: " "))")
    }
    return harness
}()

/// Where libFuzzer comes in, once for every input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    harness.run([UInt8](UnsafeBufferPointer(start: start, count: count)))
    return 0
}
