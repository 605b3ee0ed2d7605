/// What was learned of a server, and of what lies before it, while this program runs.
struct ServerHabits: Sendable {
    var append = AppendSize()
    var knowsResumable = true
}
