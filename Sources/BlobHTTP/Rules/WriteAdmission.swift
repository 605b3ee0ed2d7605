package import HTTPTypes

/// Who may write in anonymous mode: the server serves the person at this machine, so writing is for programs on this
/// machine alone.
package struct WriteAdmission: Sendable {
    /// Whether anybody at all may write, because the operator said so.
    package let allowsAnyone: Bool

    package init(allowsAnyone: Bool) {
        self.allowsAnyone = allowsAnyone
    }

    /// Judges a write by its fields; `host` is the Host field, `own` the server's public URL.
    ///
    /// A Host that is not loopback shows a page that renamed itself onto this machine (DNS rebinding), forwarding
    /// fields a proxy that lets strangers in, an Origin a page of somebody else.
    package func judge(host: String?, fields: HTTPFields, own: PublicURL) throws(Problem) {
        if allowsAnyone { return }
        guard let host, let authority = Authority(host), authority.isLoopback else {
            throw Self.refusal("the request's Host is not this machine")
        }
        for name in [HTTPField.Name.forwarded, .xForwardedFor, .via] where fields[name] != nil {
            throw Self.refusal("the request came through a proxy")
        }
        if let origin = fields[.origin], origin != own.origin {
            throw Self.refusal("the request came from a page of another origin")
        }
    }

    private static func refusal(_ why: String) -> Problem {
        Problem(
            .ticketMissing, detail: "Without a ticket only programs on this machine may write: \(why).",
            fields: [.wwwAuthenticate: "Bearer"])
    }
}

/// Whether a server that knows no uploader from another may start.
package enum AnonymousMode {
    /// Nil if it may; else the sentence that says why not and what to choose from.
    package static func refusal(
        listening: Authority, publicURL: PublicURL?, hasKeys: Bool, allowsAnyone: Bool
    ) -> String? {
        if allowsAnyone || hasKeys { return nil }
        let publicHost = publicURL.map { Authority(host: $0.host, port: nil) }
        let reason: String
        if !listening.isLoopback {
            reason = "--listen \(listening.bracketedHost) can be reached from other machines"
        } else if let publicHost, !publicHost.isLoopback {
            reason = "--public-url \(publicHost.bracketedHost) is not this machine"
        } else {
            return nil
        }
        return "anybody could upload: \(reason). Ask for tickets, with --ticket-keys (SATCHELD_TICKET_KEYS) and"
            + " --ticket-audience; or listen on 127.0.0.1, behind something that decides who may; or allow it in so"
            + " many words with --allow-anonymous-uploads (SATCHELD_ALLOW_ANONYMOUS_UPLOADS=true)."
    }
}
