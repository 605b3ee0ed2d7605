import StoreRules
import Testing

/// One table of a page, with few rows and with many.
@Suite struct PageTableTests {
    @Test(arguments: 1...40) func `whatever is loaded, changed and undone, a key leads to its row`(keys: Int) {
        var random = SystemRandomNumberGenerator()
        var table = PageTable<Int, Int>()
        var rows: [Int: Int] = [:]
        for key in 0..<keys / 2 {
            table.request(key)
            for place in table.takeRequests() { table.fill(place, key) }
            rows[key] = key
        }
        for step in 100..<400 {
            let before = rows
            table.begin()
            for number in 0..<Int.random(in: 1...4, using: &random) {
                let (key, row) = (Int.random(in: 0..<keys, using: &random), 10 * step + number)
                switch Int.random(in: 0..<5, using: &random) {
                case 0:
                    table.set(nil, for: key)
                    rows[key] = nil
                case 1:
                    let place = table.add(row, for: key)
                    #expect(table.place(peeking: key) == place && table.added.contains(place))
                    rows[key] = row
                case 2: #expect(table.load(nameless: key, row) == table.entries.count - 1)
                default:
                    table.set(row, for: key)
                    rows[key] = row
                }
                #expect(table.peek(key) == rows[key])
            }
            if Bool.random(using: &random) {
                table.undo()
                rows = before
            }
            #expect((0..<keys).allSatisfy { table.peek($0) == rows[$0] })
        }
        #expect(table.isComplete)
    }

    @Test(arguments: [1, 8, 9, 20]) func `a row is asked for once, and one that came by itself needs no asking`(
        rows: Int
    ) {
        var table = PageTable<Int, String>()
        for key in 0..<rows {
            table.request(key)
            #expect(table.row(key) == nil && !table.isComplete)
        }
        let place = table.load(0, "found")
        #expect(table.load(0, "again") == place && table.row(0) == "found")
        #expect(table.takeRequests() == Array(1..<rows))
        #expect(table.load(rows, "more") == rows && table.row(rows) == "more" && table.isComplete)
    }
}
