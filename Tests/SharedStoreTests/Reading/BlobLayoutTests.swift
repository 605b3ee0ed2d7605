import Blobs
import SharedCatalog
import Store
import StoreRules
import Testing

@testable import SharedStore

/// Where the bytes of a blob are, by its rows.
@Suite struct BlobLayoutTests {
    private let address = BlobAddress(of: [1])
    private let list = ObjectID.new(at: ReadScene.now)

    private func found(size: Int64, isList: Bool = true, parts sizes: [Int64] = []) -> FoundBlob {
        let row = BlobRow(address: address, size: size, state: .held, uploaded: ReadScene.now)
        let parts = sizes.enumerated().map { number, size in
            ObjectRow(id: .new(at: ReadScene.now), list: list, number: number, size: size, digest: address)
        }
        return FoundBlob(row: row, object: BlobObject(id: list, isList: isList), parts: parts)
    }

    @Test func `pieces lie one behind the other`() throws {
        let layout = try #require(BlobLayout(found(size: 17, parts: [5, 1, 11])))
        #expect(layout.pieces.map(\.offset) == [0, 5, 6] && layout.size == 17)
        #expect([0, 4, 5, 6, 16].map { layout.index(at: $0) } == [0, 0, 1, 2, 2])
        let range = try #require(ByteRange(offset: 4, count: 3, within: 17))
        #expect(layout.pieces(of: range).map(\.size) == [5, 1, 11])
    }

    @Test func `a blob without bytes has no pieces`() {
        #expect(BlobLayout(found(size: 0))?.pieces == [])
        #expect(BlobLayout(found(size: 0, isList: false))?.pieces == [])
    }

    @Test(
        arguments: [
            [], [5, 1], [5, 1, 12], [0, 5, 12], [-1, 18], [17, .max], [ObjectRow.limitBytes + 1],
        ] as [[Int64]])
    func `parts that are not the blob are none`(sizes: [Int64]) {
        #expect(BlobLayout(found(size: 17, parts: sizes)) == nil)
    }

    @Test func `an object that is larger than any is none`() {
        #expect(BlobLayout(found(size: ObjectRow.limitBytes + 1, isList: false)) == nil)
        #expect(BlobLayout(found(size: ObjectRow.limitBytes, isList: false)) != nil)
        let row = found(size: 17).row
        #expect(BlobLayout(FoundBlob(row: row, object: nil, parts: [])) == nil)
    }

    @Test func `a map knows what is here without a gap`() throws {
        var map = PieceMap(try #require(BlobLayout(found(size: 17, parts: [5, 1, 11]))))
        #expect(map.available(from: 0, limit: 17) == 0)
        map.insert(1)
        map.insert(1)
        #expect(map.presentBytes == 1 && map.presentCount == 1)
        #expect(map.available(from: 0, limit: 17) == 0 && map.available(from: 5, limit: 17) == 6)
        map.insert(0)
        #expect(map.available(from: 2, limit: 17) == 6 && map.available(from: 2, limit: 4) == 4)
        #expect(!map.isFull)
        map.insert(2)
        #expect(map.isFull && map.available(from: 0, limit: 100) == 17 && map.available(from: 17, limit: 100) == 17)
    }
}
