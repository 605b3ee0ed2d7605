/// What an edge counts besides what every server does.
package final class EdgeMeters: Sendable {
    /// How a blob came to whoever asked the cache's disk for it; those that are ready on an event loop are not counted.
    package enum Handling: String, CaseIterable, Sendable {
        case hit, revalidated, filling, miss, stale
    }

    /// Where bytes were found that are not those of their address.
    package enum Whereabouts: String, CaseIterable, Sendable {
        case origin, disk
    }

    package let requests = LabelledCounter(labels: Handling.allCases.map(\.rawValue))
    /// Blobs that began to come from the origin, other than in one piece.
    package let fills = Counter()
    package let wrongDigests = LabelledCounter(labels: Whereabouts.allCases.map(\.rawValue))
    package let originErrors: LabelledCounter
    package let evictions: LabelledCounter
    package let uploadsKept = Counter()

    /// The labels are all there can be.
    package init(originErrors: [String], evictions: [String]) {
        self.originErrors = LabelledCounter(labels: originErrors)
        self.evictions = LabelledCounter(labels: evictions)
    }

    package func count(_ outcome: Handling) { requests.add(for: outcome.rawValue) }

    package func countWrongDigest(_ place: Whereabouts) { wrongDigests.add(for: place.rawValue) }
}

/// What an edge looks up when somebody asks for metrics.
package struct EdgeReadings: Sendable {
    package var blobs: Int
    package var bytes: Int64
    /// Seconds since the change feed was heard; nil without one, and before.
    package var feedAgeSeconds: Double?
    /// How often the cache's disk has failed.
    package var diskFailures: Int

    package init(blobs: Int, bytes: Int64, feedAgeSeconds: Double?, diskFailures: Int) {
        self.blobs = blobs
        self.bytes = bytes
        self.feedAgeSeconds = feedAgeSeconds
        self.diskFailures = diskFailures
    }
}

extension MetricTable {
    static let edge: [Metric] = [
        .ofEdge("satcheld_edge_requests_total", "Blobs looked for in the cache, by outcome.", "outcome") { edge in
            edge.requests.labels.map { ($0, edge.requests.value(for: $0)) }
        },
        .ofEdge("satcheld_edge_fills_total", "Blobs that were fetched in blocks.") { [("", $0.fills.value)] },
        .ofEdge(
            "satcheld_edge_wrong_digests_total", "Blobs whose bytes were not those of their address, by where.", "where"
        ) { edge in
            edge.wrongDigests.labels.map { ($0, edge.wrongDigests.value(for: $0)) }
        },
        .ofEdge("satcheld_edge_origin_errors_total", "Failures of the origin, by kind.", "kind") { edge in
            edge.originErrors.labels.map { ($0, edge.originErrors.value(for: $0)) }
        },
        .ofEdge("satcheld_edge_evictions_total", "Blobs that left the cache, by reason.", "why") { edge in
            edge.evictions.labels.map { ($0, edge.evictions.value(for: $0)) }
        },
        .ofEdge("satcheld_edge_uploads_kept_total", "Uploads that passed through and were kept.") {
            [("", $0.uploadsKept.value)]
        },
        .gauge("satcheld_edge_blobs", "Blobs in the cache.") { $0.edge?.blobs },
        .gauge("satcheld_edge_cached_bytes", "Bytes of those blobs.") { $0.edge?.bytes },
        .gauge("satcheld_edge_feed_age_seconds", "Time since the origin's change feed was heard.") {
            $0.edge?.feedAgeSeconds
        },
        .gauge("satcheld_edge_disk_failures", "How often the cache's disk has failed.") { $0.edge?.diskFailures },
    ]
}

extension Metric {
    /// A counter that only an edge has, for each of a few labels or alone.
    fileprivate static func ofEdge(
        _ name: String, _ help: String, _ label: String? = nil,
        _ read: @escaping @Sendable (EdgeMeters) -> [(String, Int)]
    ) -> Metric {
        Metric(name: name, kind: .counter, help: help) { meters, _ in
            (meters.edge.map(read) ?? []).map { value, count in
                Sample(labels: label.map { [($0, value)] } ?? [], text: String(count))
            }
        }
    }
}
