import Cage
import Imaging
import TestSupport
import Testing

@Suite
struct MissingLibraryTests {
    @Test func `where no decoder can be started, that is what is missing, and not a library`() {
        let missing = MissingLibrary.all(in: CageProgram(path: "/nowhere/satchel")).filter { $0.package == nil }
        #expect(missing.count == 2 && missing.allSatisfy { $0.loss.contains("could not be started") }, "\(missing)")
        #expect(missing.contains { $0.loss.contains("HEIC") } && missing.contains { $0.loss.contains("films") })
    }

    @Test func `where decoders start, each library that is missing is named by its package`() {
        let missing = MissingLibrary.all(in: CageProgram(path: Products.path("satchel")))
        #expect(missing.allSatisfy { $0.package?.hasPrefix("lib") == true && !$0.loss.isEmpty }, "\(missing)")
    }
}
