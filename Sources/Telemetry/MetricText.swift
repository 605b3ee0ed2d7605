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
