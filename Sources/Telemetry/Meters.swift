package import Store

/// Everything that one process counts as it happens; what is looked up on request is in `Readings`. `MetricTable`
/// defines how both are reported.
package final class Meters: Sendable {
    package let requests: RequestMeter
    /// Refused requests by their problem code.
    package let refusals: LabelledCounter
    /// Slots filled, and uploads refused for their word, by door.
    package let slotsFilled = OperatorCounter()
    package let slotWordsRefused = OperatorCounter()

    // MARK: Durable writing

    /// Uploads under way.
    package let openUploads = Gauge()
    /// The time to make the bytes of one upload durable.
    package let fileSyncs = Histogram(.time)
    /// The time to make the names of a batch durable.
    package let nameSyncs = Histogram(.time)
    /// The time to make the rows of a batch durable.
    package let commits = Histogram(.time)
    /// Changes in a batch.
    package let batchChanges = Histogram(.things)

    // MARK: Sweeps

    package let passes = LabelledCounter(labels: SweepOutcome.allCases.map(\.rawValue))
    package let passTimes = Histogram(.time)
    package let leasesEnded = Counter()
    package let blobsRemoved = Counter()
    package let removedBytes = Counter()
    package let orphansRemoved = Counter()
    package let uploadsExpired = Counter()

    // MARK: Scrubs

    package let scrubbedBlobs = Counter()
    package let scrubbedBytes = Counter()
    /// Damaged blobs that the server found on its own, by kind.
    package let damagesFound = LabelledCounter(labels: Damage.Kind.ofHeldBlobs.map(\.label))

    // MARK: The process

    /// How late the event loops ran what was due.
    package let loopLag = Histogram(.time)
    /// Lines of the access log that were dropped because they could not be written fast enough.
    package let accessLinesDropped = Counter()

    /// What only an edge counts; nil for any other server.
    package let edge: EdgeMeters?
    /// What only a node of a shared store counts.
    package let node: NodeMeters?

    /// - Parameters:
    ///   - routes: the names of the routes that requests are counted under.
    ///   - refusalCodes: every problem code.
    package init(
        routes: [String] = [], refusalCodes: [String] = [], edge: EdgeMeters? = nil, node: NodeMeters? = nil
    ) {
        self.edge = edge
        self.node = node
        requests = RequestMeter(routes: routes)
        refusals = LabelledCounter(labels: refusalCodes)
    }
}

/// What is looked up when somebody asks for metrics.
package struct Readings: Sendable {
    /// Nil if the store could not be read.
    package var store: StoreReadings?
    package var writing = WriteStatus()
    /// Whether sweeps remove nothing because the clocks cannot be trusted.
    package var isGCHeldBack = false
    package var process = ProcessReadings()
    /// Nil for any other server than an edge.
    package var edge: EdgeReadings?
    /// Nil for any other server than a node of a shared store.
    package var node: NodeReadings?

    package init() {}
}

/// What the process uses of the machine.
package struct ProcessReadings: Sendable {
    package var residentBytes: Int64 = 0
    package var openFiles = 0
    package var openFilesLimit = 0
    package var processorSeconds = 0.0

    package init() {}
}

/// Counts requests by route and status, with their bytes and their time. Routes are numbered from 0.
package struct RequestMeter: ~Copyable, Sendable {
    /// The most routes there can be.
    static let routeCapacity = 16
    /// The statuses of HTTP: 100 to 599.
    static let statuses = 100..<600

    /// The names of the routes, as labels.
    package let routes: [String]
    private let answers = Cells<8000>()
    private let received = Cells<16>()
    private let sent = Cells<16>()
    private let shortcuts = Cells<16>()
    private let times: InlineArray<16, Histogram> = InlineArray { _ in Histogram(.time) }

    package init(routes: [String]) {
        precondition(routes.count <= Self.routeCapacity, "there is room for every route")
        self.routes = routes
    }

    /// Counts one answered request: four or five additions, which wait for nobody. Whoever finds it in the count of its status
    /// finds its bytes and its time too.
    package borrowing func count(
        route: Int, status: Int, receivedBytes: Int, sentBytes: Int, time: Duration
    ) {
        if receivedBytes > 0 { received.add(receivedBytes, at: route) }
        if sentBytes > 0 { sent.add(sentBytes, at: route) }
        times[route].record(time)
        answers.publish(1, at: Self.cell(route, status))
    }

    /// How many requests of `route` were answered with `status`.
    package borrowing func count(route: Int, status: Int) -> Int {
        answers.published(at: Self.cell(route, status))
    }

    /// Counts a request that is answered by a shortcut, before it is answered.
    package borrowing func countShortcut(route: Int) { shortcuts.add(1, at: route) }

    /// How many requests of `route` were answered by a shortcut.
    package borrowing func shortcutCount(route: Int) -> Int { shortcuts.value(at: route) }

    package borrowing func receivedBytes(route: Int) -> Int { received.value(at: route) }

    package borrowing func sentBytes(route: Int) -> Int { sent.value(at: route) }

    /// Lets `body` see how long the requests of `route` took.
    borrowing func withTimes<Result>(of route: Int, _ body: (borrowing Histogram) -> Result) -> Result {
        body(times[route])
    }

    private static func cell(_ route: Int, _ status: Int) -> Int {
        let known = statuses.contains(status) ? status : 599
        return route * statuses.count + known - statuses.lowerBound
    }
}
