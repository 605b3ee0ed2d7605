import Blobs
import Files
import Transfer

/// Brings one sealed blob to one server, by the steps that an `UploadCourse` decides.
struct Upload {
    let desk: UploadDesk
    let pacing: Pacing
    let progress: (Progress) -> Void
    /// Hears what is known after each step, before the next.
    let remember: (UploadCourse) throws(MediaClientError) -> Void
    /// Hears why the next attempt has to wait.
    let delayed: (MediaClientError) -> Void

    /// Sends `blob`; what the server says of it fits what was sent.
    func run(
        _ blob: borrowing OpenFile, _ course: inout UploadCourse, attempts: Attempts
    ) throws(MediaClientError) -> Descriptor {
        var attempts = attempts
        while true {
            let step = course.next
            do throws(MediaClientError) {
                if let descriptor = try take(step, blob, &course, &attempts) { return descriptor }
            } catch {
                let reaction = course.meet(error, at: step)
                try remember(course)
                do { try react(reaction, to: error, &attempts) } catch {
                    // The last chance to learn that it went well after all.
                    if course.mayBeHeld, error.isSilence, let descriptor = try? desk.held() { return descriptor }
                    throw error
                }
            }
        }
    }

    private func react(
        _ reaction: UploadCourse.Reaction, to error: MediaClientError, _ attempts: inout Attempts
    ) throws(MediaClientError) {
        switch reaction {
        case .again: return
        case .fail: throw error
        case .wait: try attempts.wait(after: error, isPassing: true) { delayed(error) }
        case .waitIfPassing: try attempts.wait(after: error) { delayed(error) }
        }
    }

    private func take(
        _ step: UploadCourse.Step, _ blob: borrowing OpenFile, _ course: inout UploadCourse,
        _ attempts: inout Attempts
    ) throws(MediaClientError) -> Descriptor? {
        switch step {
        case .askForLease:
            if let descriptor = try desk.held(at: course.place) { return descriptor }
            try ask(&course)
        case .put: return try put(blob, &course)
        case .create:
            course.created(try desk.create())
            try remember(course)
        case .look(let id):
            let standing = try desk.look(at: id)
            let before = course
            guard course.looked(standing) else { throw nonsense(standing) }
            // More is there, or the next append is another one: either way the attempts that follow are new ones.
            if course.acknowledged > before.acknowledged || course.append != before.append { attempts.startAnew() }
            try advance(course)
        case .append(let id, let offset, let count):
            let start = pacing.wallSeconds()
            let standing = try desk.append(count, of: blob, at: offset, to: id)
            let seconds = pacing.wallSeconds() - start
            guard course.appended(standing, to: offset, count: count, afterSeconds: seconds) else {
                throw nonsense(standing)
            }
            attempts.startAnew()
            try advance(course)
        }
        return nil
    }

    /// No lease: either nothing has arrived, or the server contradicts itself.
    private func ask(_ course: inout UploadCourse) throws(MediaClientError) {
        guard course.place == nil else {
            throw .answer("it says that it has the file, and knows of no lease on it", host: desk.host)
        }
        course.leaseIsMissing()
        try remember(course)
    }

    private func put(_ blob: borrowing OpenFile, _ course: inout UploadCourse) throws(MediaClientError) -> Descriptor {
        try desk.check()
        course.willPut()
        try remember(course)
        return try desk.put(blob) { sent in progress(Progress(.sending, sent, of: course.size)) }
    }

    private func advance(_ course: UploadCourse) throws(MediaClientError) {
        try remember(course)
        progress(Progress(.sending, course.acknowledged, of: course.size))
    }

    private func nonsense(_ standing: UploadStanding) -> MediaClientError {
        .answer("it says that the upload is at byte \(standing.offset)", host: desk.host)
    }
}

extension MediaClientError {
    /// It tells nothing of what became of the request.
    fileprivate var isSilence: Bool {
        switch self {
        case .transfer: true
        case .refused(let refusal, _): refusal.status >= 500
        default: false
        }
    }
}
