import Glibc
import TestSupport

/// A model of the media of a messenger as one cache sees them: uploads and reads of some days.
///
/// Its numbers are our assumptions; what is published is only that groups go up to 1,024, that most blobs are photos
/// and voice and most bytes videos, and that most reads come within the first day.
struct Messaging {
    /// Shares of chats: pairs, and small, middle and large groups.
    let chats: [Double]
    let blobsPerDay: Int
    let days: Int

    /// Chats of two, mostly: a blob that is read at all is read three times.
    static let pairs = Messaging(chats: [0.9, 0.07, 0.025, 0.005], blobsPerDay: 4000, days: 2)
    /// Groups, mostly: ten times.
    static let groups = Messaging(chats: [0.5, 0.35, 0.12, 0.03], blobsPerDay: 1500, days: 2)

    /// A trace with the uploads that pass through the cache.
    func trace(seed: UInt64) -> Trace {
        var traffic = Traffic(self, seed: seed)
        for _ in 0..<blobsPerDay * days { traffic.addBlob() }
        return traffic.trace
    }
}

private let day = 86_400.0

/// The events of a model.
private struct Traffic {
    private let model: Messaging
    private var random: SeededGenerator
    private var sizes: [Int64] = []
    private var events: [(time: Double, blob: Int, isUpload: Bool)] = []

    init(_ model: Messaging, seed: UInt64) {
        self.model = model
        random = SeededGenerator(seed: seed)
    }

    /// In order of time. A blob is read two seconds after its upload at the earliest.
    var trace: Trace {
        let last = Double(model.days) * day
        let inOrder = events.filter { $0.time < last }.sorted { $0.time < $1.time }
        return Trace(
            events: inOrder.map { Trace.Event(time: Int64($0.time), blob: $0.blob, isUpload: $0.isUpload) },
            sizes: sizes)
    }

    // MARK: Blobs

    mutating func addBlob() {
        let blob = sizes.count
        sizes.append(size())
        let uploaded = uploadTime()
        // Most senders are near the cache.
        if chance(0.85) { events.append((uploaded, blob, true)) }
        // Every chat that it reaches may forward it to another.
        let isViral = chance(0.001)
        var chats = [uploaded]
        for _ in 0..<6 where !chats.isEmpty {
            chats = chats.flatMap { start in reads(of: blob, from: start, isViral: isViral) }
        }
    }

    /// Three times as many in the evening as in the night.
    private mutating func uploadTime() -> Double {
        while true {
            let time = uniform() * Double(model.days) * day
            if chance((1 + 0.5 * sin(2 * .pi * (time / day - 0.5))) / 1.5) { return time }
        }
    }

    /// A photo, a voice message, a video, a document or a sticker; padded to an eighth of a power of two.
    private mutating func size() -> Int64 {
        let kind = choice([0.60, 0.18, 0.14, 0.06, 0.02])
        let middle = [150e3, 60e3, 4e6, 500e3, 30e3][kind]
        let spread = [0.8, 1.0, 1.3, 1.6, 0.4][kind]
        let size = min(max(exp(log(middle) + spread * normal()), 4248), 2e9)
        let step = exp2(floor(log2(size)) - 3)
        return Int64((size / step).rounded(.up) * step)
    }

    // MARK: Reads

    /// Adds the reads of one chat; returns when they forward the blob.
    private mutating func reads(of blob: Int, from start: Double, isViral: Bool) -> [Double] {
        let chat = choice(model.chats)
        let members = members(of: chat)
        let fetches = [0.97, 0.90, 0.60, 0.35][chat]
        let isAbroad = chance(0.15)
        let near = members == 1 ? (isAbroad ? 0 : 1) : (isAbroad ? 0.3 : 0.9)
        var forwards: [Double] = []
        for _ in 0..<members where chance(fetches * near) {
            let read = start + delay()
            events.append((read, blob, false))
            if chance(0.30) {
                let again = chance(0.6) ? 5 + exponential(60) : exp(log(28_800) + normal())
                events.append((start + again, blob, false))
            }
            if chance(isViral ? 0.08 : 0.015) { forwards.append(read + exponential(1800)) }
        }
        return forwards
    }

    private mutating func members(of chat: Int) -> Int {
        let bounds: [(Double, Double)] = [(1, 1), (2, 15), (16, 100), (100, 1024)]
        let (low, high) = bounds[chat]
        return Int(exp(log(low) + uniform() * log(high / low)).rounded())
    }

    /// Seconds until a blob is read: at once, within the hour, or the next day.
    private mutating func delay() -> Double {
        switch choice([0.55, 0.30, 0.15]) {
        case 0: 2 + exponential(20)
        case 1: exp(log(1500) + 1.2 * normal())
        default: exp(log(36_000) + normal())
        }
    }

    // MARK: Random numbers

    private mutating func uniform() -> Double { .random(in: 0..<1, using: &random) }

    private mutating func chance(_ probability: Double) -> Bool { uniform() < probability }

    private mutating func exponential(_ mean: Double) -> Double { -mean * log(1 - uniform()) }

    /// By Box and Muller.
    private mutating func normal() -> Double { sqrt(-2 * log(1 - uniform())) * cos(2 * .pi * uniform()) }

    private mutating func choice(_ shares: [Double]) -> Int {
        var rest = uniform()
        for (index, share) in shares.enumerated() {
            rest -= share
            if rest < 0 { return index }
        }
        return shares.count - 1
    }
}
