/// What a node of a shared store counts besides what every server does.
package final class NodeMeters: Sendable {
    /// The most operations there can be.
    private static let operationCapacity = 8

    /// What an object store is asked to do, and how that can end.
    let operations: [String]
    let outcomes: [String]
    private let requests: LabelledCounter
    private let attempts = Counter()
    private let times: InlineArray<8, Histogram> = InlineArray { _ in Histogram(.time) }

    /// All labels there can be.
    package init(operations: [String], outcomes: [String]) {
        precondition(operations.count <= Self.operationCapacity, "there is room for every operation")
        self.operations = operations
        self.outcomes = outcomes
        requests = LabelledCounter(
            labels: operations.flatMap { operation in outcomes.map { Self.label(operation, $0) } })
    }

    /// Counts one request to the object store, which may have been sent several times.
    package func count(_ operation: String, outcome: String, attempts: Int, time: Duration) {
        guard let place = operations.firstIndex(of: operation) else { return }
        requests.add(for: Self.label(operation, outcome))
        self.attempts.add(attempts)
        times[place].record(time)
    }

    func value(_ operation: String, _ outcome: String) -> Int { requests.value(for: Self.label(operation, outcome)) }

    var attemptCount: Int { attempts.value }

    /// Lets `body` see how long an operation took.
    func withTimes<Result>(at place: Int, _ body: (borrowing Histogram) -> Result) -> Result { body(times[place]) }

    private static func label(_ operation: String, _ outcome: String) -> String { "\(operation) \(outcome)" }
}

/// What a node of a shared store looks up when somebody asks for metrics.
package struct NodeReadings: Sendable {
    /// Seconds since the database was asked for the last answer that came about what has ended; nil before the first.
    package var heardSeconds: Double?
    /// Nodes that are alive, this one included; nil where the database does not say, as below.
    package var nodesAlive: Int?
    /// Objects that wait for their removal, and for how many seconds the oldest of them has been due.
    package var garbage: Int64?
    package var garbageDueSeconds: Int64?

    /// Batches of changes that were tried, and how many changes were in them, since the start.
    package var batches: Int64
    package var changes: Int64
    /// Batches that were judged anew since others were at the same rows, and commits whose answer was lost.
    package var retries: Int64
    package var lostAnswers: Int64
    /// Changes that wait for a connection now.
    package var waitingChanges: Int

    package init(
        heardSeconds: Double?, nodesAlive: Int?, garbage: Int64?, garbageDueSeconds: Int64?, batches: Int64,
        changes: Int64, retries: Int64, lostAnswers: Int64, waitingChanges: Int
    ) {
        self.batches = batches
        self.changes = changes
        self.retries = retries
        self.lostAnswers = lostAnswers
        self.waitingChanges = waitingChanges
        self.heardSeconds = heardSeconds
        self.nodesAlive = nodesAlive
        self.garbage = garbage
        self.garbageDueSeconds = garbageDueSeconds
    }
}

extension MetricTable {
    static let node: [Metric] = [
        Metric(
            name: "satcheld_object_requests_total", kind: .counter,
            help: "Requests to the object store, by operation and outcome."
        ) { meters, _ in
            guard let node = meters.node else { return [] }
            return node.operations.flatMap { operation in
                node.outcomes.compactMap { outcome -> Metric.Sample? in
                    let count = node.value(operation, outcome)
                    guard count > 0 else { return nil }
                    return .init(labels: [("operation", operation), ("outcome", outcome)], text: String(count))
                }
            }
        },
        Metric(
            name: "satcheld_object_attempts_total", kind: .counter,
            help: "How often those requests were sent: some more than once."
        ) { meters, _ in
            (meters.node.map { [.init(text: String($0.attemptCount))] }) ?? []
        },
        Metric(
            name: "satcheld_object_request_duration_seconds", kind: .histogram,
            help: "Time that those requests took, with what they waited."
        ) { meters, _ in
            guard let node = meters.node else { return [] }
            return node.operations.enumerated().flatMap { place, operation in
                node.withTimes(at: place) { Metric.Sample.of($0, labels: [("operation", operation)]) }
            }
        },
        .gauge("satcheld_node_heard_seconds", "Time since the database last said what has ended.") {
            $0.node?.heardSeconds
        },
        .gauge("satcheld_nodes_alive", "Nodes of the shared store that are alive.") { $0.node?.nodesAlive },
        .gauge("satcheld_garbage_objects", "Objects that wait for their removal.") { $0.node?.garbage },
        .gauge("satcheld_garbage_due_seconds", "For how long the oldest of them has been due.") {
            $0.node?.garbageDueSeconds
        },
        counter("satcheld_database_batches_total", "Batches of changes that were tried.") { $0.batches },
        counter("satcheld_database_changes_total", "Changes in them.") { $0.changes },
        counter("satcheld_database_retries_total", "Batches judged anew: others were at the same rows.") { $0.retries },
        counter("satcheld_database_lost_answers_total", "Commits whose answer was lost.") { $0.lostAnswers },
        .gauge("satcheld_database_waiting_changes", "Changes that wait for a connection.") { $0.node?.waitingChanges },
    ]

    private static func counter(
        _ name: String, _ help: String, _ read: @escaping @Sendable (NodeReadings) -> Int64
    ) -> Metric {
        Metric(name: name, kind: .counter, help: help) { _, readings in
            (readings.node.map { [.init(text: String(read($0)))] }) ?? []
        }
    }
}
