/// Counts requests: by route class and status, with their bytes and their time.
package struct RequestMeter: ~Copyable, Sendable {
    /// Room for route classes.
    static let routeCapacity = 16
    /// Statuses that HTTP knows: 100 to 599.
    static let statuses = 100..<600

    private let answers = Cells<8000>()
    private let received = Cells<16>()
    private let sent = Cells<16>()
    private let times: InlineArray<16, Histogram> = InlineArray { _ in Histogram(.time) }

    package init() {
        precondition(RouteClass.allCases.count <= Self.routeCapacity, "there is room for every route class")
    }

    /// Counts one answered request: four or five relaxed additions.
    package borrowing func count(
        route: RouteClass, status: Int, receivedBytes: Int, sentBytes: Int, time: Duration
    ) {
        let place = route.rawValue
        answers.add(1, at: Self.cell(place, status))
        if receivedBytes > 0 { received.add(receivedBytes, at: place) }
        if sentBytes > 0 { sent.add(sentBytes, at: place) }
        times[place].record(time)
    }

    /// How many requests of `route` were answered with `status`.
    package borrowing func count(route: RouteClass, status: Int) -> Int {
        answers.value(at: Self.cell(route.rawValue, status))
    }

    package borrowing func receivedBytes(route: RouteClass) -> Int { received.value(at: route.rawValue) }

    package borrowing func sentBytes(route: RouteClass) -> Int { sent.value(at: route.rawValue) }

    /// Lets `body` see how long the requests of `route` took.
    borrowing func withTimes<Result>(of route: RouteClass, _ body: (borrowing Histogram) -> Result) -> Result {
        body(times[route.rawValue])
    }

    private static func cell(_ place: Int, _ status: Int) -> Int {
        let known = statuses.contains(status) ? status : 599
        return place * statuses.count + known - statuses.lowerBound
    }
}
