import Store

/// Every metric, once: the page that Prometheus reads and the table of docs/operations.md both follow this one.
///
/// Every label has few values, all of them ours: no address, no path, nothing that a client can choose.
package enum MetricTable {
    package static let all: [Metric] = requests + writing + holdings + collection + scrub + process

    private static let requests: [Metric] = [
        Metric(
            name: "satcheld_requests_total", kind: .counter, help: "Requests answered, by route class and status."
        ) { meters, _ in
            RouteClass.allCases.flatMap { route in
                RequestMeter.statuses.compactMap { status -> Metric.Sample? in
                    let count = meters.requests.count(route: route, status: status)
                    guard count > 0 else { return nil }
                    return .init(
                        labels: [("route", route.name), ("status", String(status))], text: String(count))
                }
            }
        },
        Metric(
            name: "satcheld_request_duration_seconds", kind: .histogram,
            help: "From the request's header to the end of its answer."
        ) { meters, _ in
            RouteClass.allCases.flatMap { route in
                meters.requests.withTimes(of: route) { Metric.Sample.of($0, labels: [("route", route.name)]) }
            }
        },
        .counters("satcheld_received_bytes_total", "Bytes of uploads that were taken.", "route") { meters in
            RouteClass.allCases.map { ($0.name, meters.requests.receivedBytes(route: $0)) }
        },
        .counters("satcheld_sent_bytes_total", "Bytes of answers' bodies.", "route") { meters in
            RouteClass.allCases.map { ($0.name, meters.requests.sentBytes(route: $0)) }
        },
        .counters("satcheld_refusals_total", "Refusals, by the code that X-Reason tells.", "code") { meters in
            meters.refusals.labels.map { ($0, meters.refusals.value(for: $0)) }
        },
    ]

    private static let writing: [Metric] = [
        .histogram("satcheld_file_sync_seconds", "Making the bytes of one upload durable.") { $1($0.fileSyncs) },
        .histogram("satcheld_name_sync_seconds", "Making the names of one batch durable.") { $1($0.nameSyncs) },
        .histogram("satcheld_commit_seconds", "Making the rows of one batch durable.") { $1($0.commits) },
        .histogram("satcheld_batch_changes", "Changes that shared one batch.") { $1($0.batchChanges) },
        Metric(name: "satcheld_uploads_open", kind: .gauge, help: "Uploads under way.") { meters, _ in
            [Metric.Sample(text: String(meters.openUploads.value))]
        },
        .gauge("satcheld_uploads_kept", "Uploads that wait for their next request or are at one.") {
            $0.store?.keptUploads.count
        },
        .gauge("satcheld_uploads_kept_bytes", "Bytes that are here of those uploads.") { $0.store?.keptUploads.bytes },
        .gauge("satcheld_promised_bytes", "Bytes that uploads under way may still write.") { $0.writing.promisedBytes },
        .gauge("satcheld_disk_free_bytes", "Bytes that the disk still takes.") { $0.store?.freeBytes },
        .gauge("satcheld_catalog_log_bytes", "Bytes of the catalogue's write-ahead log.") { $0.store?.logBytes },
        .gauge("satcheld_store_suspended", "1 while the store takes no writes because a sync failed.") {
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
        .gauge("satcheld_ended_leases", "Leases that have ended and are remembered.") { $0.store?.endedLeases },
        .gauge("satcheld_tombstones", "Blobs that are gone and remembered.") { $0.store?.tombstones },
    ]

    private static let collection: [Metric] = [
        .gauges("satcheld_gc_backlog", "What waits for the next sweep, counted up to 100000.", "kind") {
            [("leases_due", $0.dueLeases), ("blobs_unheld", $0.unheldBlobs), ("removals_begun", $0.removing.count)]
        },
        .gauge("satcheld_gc_oldest_due_seconds", "For how long the oldest lease has been due.") {
            $0.store?.oldestDueSeconds
        },
        .gauge("satcheld_gc_last_pass_timestamp_seconds", "When a sweep was last allowed to remove.") {
            $0.store?.lastPass
        },
        .gauge("satcheld_gc_held_back", "1 while sweeps remove nothing because the clocks cannot be trusted.") {
            $0.isGCHeldBack ? 1 : 0
        },
        .counters("satcheld_gc_passes_total", "Sweeps, by outcome.", "outcome") { meters in
            meters.passes.labels.map { ($0, meters.passes.value(for: $0)) }
        },
        .histogram("satcheld_gc_pass_seconds", "The time of one sweep.") { $1($0.passTimes) },
        .counter("satcheld_gc_leases_ended_total", "Leases that sweeps ended.") { $0.leasesEnded.value },
        .counter("satcheld_gc_blobs_removed_total", "Blobs that sweeps removed.") { $0.blobsRemoved.value },
        .counter("satcheld_gc_removed_bytes_total", "Bytes of those blobs.") { $0.removedBytes.value },
        .counter("satcheld_gc_orphans_removed_total", "Files without a row that sweeps removed.") {
            $0.orphansRemoved.value
        },
        .counter("satcheld_gc_uploads_expired_total", "Open uploads that sweeps gave up because no more came.") {
            $0.uploadsExpired.value
        },
    ]

    private static let scrub: [Metric] = [
        .counter("satcheld_scrub_blobs_total", "Blobs that the background check read.") { $0.scrubbedBlobs.value },
        .counter("satcheld_scrub_bytes_total", "Bytes of those blobs.") { $0.scrubbedBytes.value },
        .counters("satcheld_damages_found_total", "Damaged blobs that the server found, by kind.", "kind") { meters in
            meters.damagesFound.labels.map { ($0, meters.damagesFound.value(for: $0)) }
        },
        .gauge("satcheld_scrub_last_pass_timestamp_seconds", "When a background check had last read everything.") {
            $0.store?.lastScrub
        },
    ]

    private static let process: [Metric] = [
        .histogram("satcheld_event_loop_lag_seconds", "How late the event loops did what was due.") { $1($0.loopLag) },
        .counter("satcheld_access_lines_dropped_total", "Lines of the access log that were lost.") {
            $0.accessLinesDropped.value
        },
        .gauge("process_resident_memory_bytes", "Resident memory.") { $0.process.residentBytes },
        .gauge("process_open_fds", "Open files, sockets included.") { $0.process.openFiles },
        .gauge("process_max_fds", "The most that may be open.") { $0.process.openFilesLimit },
        Metric(name: "process_cpu_seconds_total", kind: .counter, help: "Processor time, user and system.") {
            [Metric.Sample(text: String($1.process.processorSeconds))]
        },
    ]
}
