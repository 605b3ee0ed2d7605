import Store

/// Every metric, once: the page that Prometheus reads and the table in docs/operations.md both follow this order.
///
/// Labels have few values, all of them ours: no address, no path, nothing that a client can choose.
package enum MetricTable {
    package static let all: [Metric] = requests + writing + holdings + collection + scrub + edge + node + process

    private static let requests: [Metric] = [
        Metric(
            name: "satcheld_requests_total", kind: .counter, help: "Requests answered, by route and status."
        ) { meters, _ in
            meters.requests.routes.enumerated().flatMap { route, name in
                RequestMeter.statuses.compactMap { status -> Metric.Sample? in
                    let count = meters.requests.count(route: route, status: status)
                    guard count > 0 else { return nil }
                    return .init(labels: [("route", name), ("status", String(status))], text: String(count))
                }
            }
        },
        Metric(
            name: "satcheld_request_duration_seconds", kind: .histogram,
            help: "Time from a request's header to the end of its response."
        ) { meters, _ in
            meters.requests.routes.enumerated().flatMap { route, name in
                meters.requests.withTimes(of: route) { Metric.Sample.of($0, labels: [("route", name)]) }
            }
        },
        .counters("satcheld_received_bytes_total", "Bytes of uploads received.", "route") { meters in
            meters.requests.routes.enumerated().map { ($1, meters.requests.receivedBytes(route: $0)) }
        },
        .counters("satcheld_sent_bytes_total", "Bytes of response bodies sent.", "route") { meters in
            meters.requests.routes.enumerated().map { ($1, meters.requests.sentBytes(route: $0)) }
        },
        .counters("satcheld_shortcuts_total", "Requests answered by a shortcut, by route.", "route") { meters in
            meters.requests.routes.enumerated().map { ($1, meters.requests.shortcutCount(route: $0)) }
        },
        .counters("satcheld_refusals_total", "Requests refused, by the code in X-Reason.", "code") { meters in
            meters.refusals.labels.map { ($0, meters.refusals.value(for: $0)) }
        },
        .counters("satcheld_slots_filled_total", "Uploads to slots accepted, by door.", "door") { meters in
            meters.slotsFilled.values.map { ($0.label, $0.count) }
        },
        .counters("satcheld_slot_words_refused_total", "Uploads to slots refused for their word, by door.", "door") {
            meters in meters.slotWordsRefused.values.map { ($0.label, $0.count) }
        },
    ]

    private static let writing: [Metric] = [
        .histogram("satcheld_file_sync_seconds", "Time to make the bytes of one upload durable.") { $1($0.fileSyncs) },
        .histogram("satcheld_name_sync_seconds", "Time to make the names of one batch durable.") { $1($0.nameSyncs) },
        .histogram("satcheld_commit_seconds", "Time to make the rows of one batch durable.") { $1($0.commits) },
        .histogram("satcheld_batch_changes", "Changes committed in one batch.") { $1($0.batchChanges) },
        Metric(name: "satcheld_uploads_open", kind: .gauge, help: "Uploads under way.") { meters, _ in
            [Metric.Sample(text: String(meters.openUploads.value))]
        },
        .gauge("satcheld_uploads_kept", "Resumable uploads that are not finished.") {
            $0.store?.keptUploads.count
        },
        .gauge("satcheld_uploads_kept_bytes", "Bytes received of those uploads.") { $0.store?.keptUploads.bytes },
        .gauge("satcheld_promised_bytes", "Bytes that uploads under way may still write.") { $0.writing.promisedBytes },
        .gauge("satcheld_disk_free_bytes", "Bytes free on the disk.") { $0.store?.freeBytes },
        .gauge("satcheld_catalog_log_bytes", "Bytes of the catalog's write-ahead log.") { $0.store?.logBytes },
        .gauge("satcheld_store_suspended", "1 while the store refuses writes because a sync failed.") {
            $0.writing.isSuspended ? 1 : 0
        },
    ]

    private static let holdings: [Metric] = [
        .gauges("satcheld_blobs", "Blobs, by state.", "state") {
            [("held", $0.held.count), ("removing", $0.removing.count), ("damaged", $0.damaged.count)]
        },
        .gauges("satcheld_blob_bytes", "Bytes of blobs, by state.", "state") {
            [("held", $0.held.bytes), ("removing", $0.removing.bytes), ("damaged", $0.damaged.bytes)]
        },
        .gauge("satcheld_leases", "Leases that have not been ended.") { $0.store?.leases },
        .gauge("satcheld_ended_leases", "Leases that have ended and are still remembered.") { $0.store?.endedLeases },
        .gauge("satcheld_tombstones", "Blobs that are gone and still remembered.") { $0.store?.tombstones },
    ]

    private static let collection: [Metric] = [
        .gauges("satcheld_gc_backlog", "Work waiting for the next sweep, counted up to 100000.", "kind") {
            [("leases_due", $0.dueLeases), ("blobs_unheld", $0.unheldBlobs), ("removals_begun", $0.removing.count)]
        },
        .gauge("satcheld_gc_oldest_due_seconds", "How long the oldest expired lease has been waiting for a sweep.") {
            $0.store?.oldestDueSeconds
        },
        .gauge("satcheld_gc_last_pass_timestamp_seconds", "When a sweep was last allowed to remove blobs.") {
            $0.store?.lastPass
        },
        .gauge("satcheld_gc_held_back", "1 while sweeps remove nothing because the clocks cannot be trusted.") {
            $0.isGCHeldBack ? 1 : 0
        },
        .counters("satcheld_gc_passes_total", "Sweeps, by outcome.", "outcome") { meters in
            meters.passes.labels.map { ($0, meters.passes.value(for: $0)) }
        },
        .histogram("satcheld_gc_pass_seconds", "Time taken by one sweep.") { $1($0.passTimes) },
        .counter("satcheld_gc_leases_ended_total", "Leases ended by sweeps.") { $0.leasesEnded.value },
        .counter("satcheld_gc_blobs_removed_total", "Blobs removed by sweeps.") { $0.blobsRemoved.value },
        .counter("satcheld_gc_removed_bytes_total", "Bytes of those blobs.") { $0.removedBytes.value },
        .counter("satcheld_gc_orphans_removed_total", "Orphaned files removed by sweeps.") {
            $0.orphansRemoved.value
        },
        .counter("satcheld_gc_uploads_expired_total", "Unfinished uploads that timed out.") {
            $0.uploadsExpired.value
        },
    ]

    private static let scrub: [Metric] = [
        .counter("satcheld_scrub_blobs_total", "Blobs read by the scrub.") { $0.scrubbedBlobs.value },
        .counter("satcheld_scrub_bytes_total", "Bytes of those blobs.") { $0.scrubbedBytes.value },
        .counters("satcheld_damages_found_total", "Damaged blobs found by the server, by kind.", "kind") { meters in
            meters.damagesFound.labels.map { ($0, meters.damagesFound.value(for: $0)) }
        },
        .gauge("satcheld_scrub_last_pass_timestamp_seconds", "When a scrub was last completed.") {
            $0.store?.lastScrub
        },
    ]

    private static let process: [Metric] = [
        .histogram("satcheld_event_loop_lag_seconds", "How late the event loops ran what was due.") { $1($0.loopLag) },
        .counter("satcheld_access_lines_dropped_total", "Access log lines dropped.") {
            $0.accessLinesDropped.value
        },
        .gauge("process_resident_memory_bytes", "Resident memory in bytes.") { $0.process.residentBytes },
        .gauge("process_open_fds", "Open files, including sockets.") { $0.process.openFiles },
        .gauge("process_max_fds", "Limit of open files.") { $0.process.openFilesLimit },
        Metric(name: "process_cpu_seconds_total", kind: .counter, help: "Processor time, user and system, in seconds.")
        {
            [Metric.Sample(text: String($1.process.processorSeconds))]
        },
    ]
}
