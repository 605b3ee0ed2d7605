package import HTTPTypes

/// Which dialect a request speaks.
package enum UploadDialects {
    /// That of a request to `route`; nil where it is none, as in a plain upload.
    ///
    /// `/uploads` speaks tus alone. An upload by its name answers in the dialect it is asked in, and in the latest
    /// draft where that is not told. Throws where two are told at once.
    package static func dialect(
        at route: Route, _ fields: HTTPFields
    ) throws(Problem) -> (any UploadDialect)? {
        switch route {
        case .uploads: return TusDialect()
        case .upload: return DraftDialect(beginning: fields)
        case .resumable: return try dialect(ofUpload: fields)
        default: return nil
        }
    }

    /// That of a request to an upload by its name.
    package static func dialect(ofUpload fields: HTTPFields) throws(Problem) -> any UploadDialect {
        let draft = DraftDialect(naming: fields)
        guard fields[.tusResumable] != nil else { return draft ?? DraftDialect(.v8, isNamed: false) }
        guard fields[.uploadDraftInteropVersion] == nil else {
            throw .badField(.tusResumable, "and Upload-Draft-Interop-Version name two protocols")
        }
        return TusDialect()
    }

    /// The methods that a POST can stand for, by `X-HTTP-Method-Override`, where it is about an upload by its name
    /// (tus 1.0). Nowhere else does the field mean anything.
    package static func method(of request: HTTPRequest, at route: Route) -> HTTPRequest.Method {
        guard case .resumable = route, request.method == .post else { return request.method }
        let meant = [HTTPRequest.Method.patch, .delete, .head].first {
            $0.rawValue == request.headerFields[.xHTTPMethodOverride]?.uppercased()
        }
        return meant ?? .post
    }
}
