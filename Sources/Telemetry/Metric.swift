import Store

/// One metric: its name, its meaning, and where its numbers come from.
package struct Metric: Sendable {
    package enum Kind: String, Sendable { case counter, gauge, histogram }

    /// One number with its labels.
    struct Sample {
        var labels: [(name: String, value: String)] = []
        /// What follows the metric's name; empty except for histograms.
        var suffix = ""
        let text: String
    }

    package let name: String
    package let kind: Kind
    package let help: String
    let samples: @Sendable (Meters, Readings) -> [Sample]
}

/// The shapes that metrics have.
extension Metric {
    static func counter(_ name: String, _ help: String, _ read: @escaping @Sendable (Meters) -> Int) -> Metric {
        Metric(name: name, kind: .counter, help: help) { meters, _ in [Sample(text: String(read(meters)))] }
    }

    /// A number for each of a few labels.
    static func counters(
        _ name: String, _ help: String, _ label: String, _ read: @escaping @Sendable (Meters) -> [(String, Int)]
    ) -> Metric {
        Metric(name: name, kind: .counter, help: help) { meters, _ in
            read(meters).map { Sample(labels: [(label, $0)], text: String($1)) }
        }
    }

    /// A number that is left out if it could not be read.
    static func gauge(
        _ name: String, _ help: String, _ read: @escaping @Sendable (Readings) -> (any CustomStringConvertible)?
    ) -> Metric {
        Metric(name: name, kind: .gauge, help: help) { _, readings in
            read(readings).map { [Sample(text: $0.description)] } ?? []
        }
    }

    static func gauges(
        _ name: String, _ help: String, _ label: String,
        _ read: @escaping @Sendable (StoreReadings) -> [(String, Int64)]
    ) -> Metric {
        Metric(name: name, kind: .gauge, help: help) { _, readings in
            (readings.store.map(read) ?? []).map { Sample(labels: [(label, $0)], text: String($1)) }
        }
    }

    static func histogram(
        _ name: String, _ help: String,
        _ read: @escaping @Sendable (Meters, (borrowing Histogram) -> [Sample]) -> [Sample]
    ) -> Metric {
        Metric(name: name, kind: .histogram, help: help) { meters, _ in read(meters) { Sample.of($0) } }
    }
}

extension Metric.Sample {
    /// The samples of a histogram: every bucket together with those before it, the sum, the count.
    static func of(_ histogram: borrowing Histogram, labels: [(name: String, value: String)] = []) -> [Self] {
        let counts = histogram.cumulated
        let scale = histogram.scale
        let ends = scale.ends.map { scale.text($0) } + ["+Inf"]
        let buckets = zip(ends, counts).map { end, count in
            Self(labels: labels + [("le", end)], suffix: "_bucket", text: String(count))
        }
        return buckets + [
            Self(labels: labels, suffix: "_sum", text: scale.text(histogram.sum)),
            Self(labels: labels, suffix: "_count", text: String(counts.last ?? 0)),
        ]
    }
}

/// The text format of Prometheus, version 0.0.4.
package enum MetricText {
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// All metrics with their numbers; a metric without numbers is left out.
    package static func render(_ meters: Meters, _ readings: Readings) -> String {
        var text = ""
        for metric in MetricTable.all {
            let samples = metric.samples(meters, readings)
            if samples.isEmpty { continue }
            text += "# HELP \(metric.name) \(metric.help)\n# TYPE \(metric.name) \(metric.kind.rawValue)\n"
            for sample in samples { text += line(metric.name, sample) }
        }
        return text
    }

    private static func line(_ name: String, _ sample: Metric.Sample) -> String {
        let labels = sample.labels.map { "\($0.name)=\"\(escaped($0.value))\"" }.joined(separator: ",")
        return "\(name)\(sample.suffix)\(labels.isEmpty ? "" : "{\(labels)}") \(sample.text)\n"
    }

    /// A label's value with backslash, quote and newline escaped.
    static func escaped(_ value: String) -> String {
        var text = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": text += #"\\"#
            case "\"": text += #"\""#
            case "\n": text += #"\n"#
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }
}
