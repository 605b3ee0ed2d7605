import Blobs
import Objects
import StoreRules
import Testing

@Suite struct ObjectNameTests {
    /// Born at 2024-10-31T23:53:55Z, as its first six bytes say.
    private static let id = "0192e5000000" + "7000" + "800000000000a77f"

    @Test func `a name tells the last byte of an ID, the hour of its birth, and the ID`() throws {
        let id = try #require(ObjectID(hex: Self.id))
        #expect(HTTPDate.logged(id.born) == "2024-10-31T23:53:55Z")
        let name = ObjectName(id)
        #expect(name.text == "v1/7f/2024103123/\(Self.id)")
        #expect(name.id == id)
        #expect(ObjectName(listed: name.text) == name)
        #expect(ObjectName.folder(lastByte: 0x7f, hour: id.born) == "v1/7f/2024103123/")
        #expect(ObjectName.folder(lastByte: 0x0a) == "v1/0a/")
        #expect(ObjectName.store.id == nil)
        let token = PassToken.next(after: nil)
        #expect(ObjectName(token).text == "v1/PASS/\(token)")
        #expect(ObjectName.pass(listed: "v1/PASS/\(token)") == token)
        for text in ["v1/PASS", "v1/PASS/", "v1/\(token)", "v1/PASS/\(token)0", "v1/PASS/PASS/\(token)"] {
            #expect(ObjectName.pass(listed: text) == nil)
        }
    }

    @Test(arguments: [
        "", "v1/STORE", "v1/7f/2024103123/", "v1/7f/2024110100/\(id)", "v1/7e/2024103123/\(id)",
        "v2/7f/2024103123/\(id)", "v1/7f/2024103123/\(id)0", "/v1/7f/2024103123/\(id)", "v1/7F/2024103123/\(id)",
        "v1/7f/2024103123/x/\(id)", "v1/7f/2024103123/\(id.uppercased())", id,
    ])
    func `what is listed and not spelled so is nobody's`(_ text: String) {
        #expect(ObjectName(listed: text) == nil)
    }

    @Test func `a new ID's name is in the folder of this hour, and its folders are in the order of time`() {
        let (early, late) = (Timestamp(seconds: 1_700_000_000), Timestamp(seconds: 1_700_003_600))
        let id = ObjectID.new(at: early)
        let folders = [early, late].map { ObjectName.folder(lastByte: id.bytes[15], hour: $0) }
        #expect(ObjectName(id).text.hasPrefix(folders[0]))
        #expect(folders[0] < folders[1])
    }
}
