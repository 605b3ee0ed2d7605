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
    private let times: InlineArray<16, Histogram> = InlineArray { _ in Histogram(.time) }

    package init(routes: [String]) {
        precondition(routes.count <= Self.routeCapacity, "there is room for every route")
        self.routes = routes
    }

    /// Counts one answered request: four or five relaxed additions.
    package borrowing func count(
        route: Int, status: Int, receivedBytes: Int, sentBytes: Int, time: Duration
    ) {
        answers.add(1, at: Self.cell(route, status))
        if receivedBytes > 0 { received.add(receivedBytes, at: route) }
        if sentBytes > 0 { sent.add(sentBytes, at: route) }
        times[route].record(time)
    }

    /// How many requests of `route` were answered with `status`.
    package borrowing func count(route: Int, status: Int) -> Int {
        answers.value(at: Self.cell(route, status))
    }

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
