import Blobs
import Objects
import StoreRules
import Testing

@Suite struct ObjectNameTests {
    @Test("An object's name tells its last byte, the hour of its birth, and its ID")
    func spelling() throws {
        let id = try #require(ObjectID(hex: "0192e4a0b1c270008000000000000a7f"))
        // 0x0192e4a0b1c2 ms = 2024-11-01T00:27:24Z
        let name = ObjectName(id)
        #expect(name.text == "v1/7f/\(HTTPDate.basic(id.born).prefix(8))\(HTTPDate.basic(id.born).dropFirst(9).prefix(2))/\(id.hex)")
        #expect(name.id == id)
    }
}
