package import HTTPTypes
import Hummingbird
import Store

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

    /// Adds what a refusal says in the dialect of the request, where that is known.
    static func addRefusalFields(to response: inout Response, _ error: any Error, _ request: Request, _ route: Route?) {
        guard let route, let dialect = try? dialect(at: route, request.headers) else { return }
        let isFinal =
            switch error {
            case let problem as Problem: [.uploadDigestMismatch, .uploadComplete].contains(problem.code)
            case let error as StoreError: error.isFinalForUpload
            default: false
            }
        for field in dialect.commonFields { response.headers[field.name] = field.value }
        for field in dialect.refusalFields(isFinal: isFinal) { response.headers[field.name] = field.value }
    }

    /// What OPTIONS tells of uploads.
    static func offer(at route: Route, blobLimitBytes: Int64) -> HTTPFields {
        switch route {
        case .uploads: TusDialect.offer(blobLimitBytes: blobLimitBytes)
        case .upload: DraftDialect.offer(blobLimitBytes: blobLimitBytes)
        case .resumable:
            TusDialect.offer(blobLimitBytes: blobLimitBytes) + DraftDialect.offer(blobLimitBytes: blobLimitBytes)
        default: [:]
        }
    }
}
