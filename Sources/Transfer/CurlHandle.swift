import Blobs
import CCurl
import Files
import Glibc

/// A libcurl easy handle: the only type that calls the library.
///
/// Every `unsafe` below is a call of libcurl with a handle that this object owns and frees once, or a callback that
/// libcurl makes from inside `curl_easy_perform`, on the same thread, while the `CurlTransfer` it names is alive.
@safe final class CurlHandle {
    private let handle: UnsafeMutableRawPointer

    /// Loads the library once, on the first request.
    static let isLoaded = ccurl_load()

    init() throws(TransferError) {
        guard Self.isLoaded else { throw .library("libcurl.so.4 is not installed, or too old") }
        guard let handle = unsafe ccurl_easy_init() else { throw .library("out of memory") }
        unsafe self.handle = handle
    }

    deinit { unsafe ccurl_easy_cleanup(handle) }

    /// Performs the request. Connections are kept; every option is set again.
    func perform(
        _ request: HTTPRequest, _ transfer: CurlTransfer, uploadLength: Int64?, proxy: ProxyChoice,
        settings: TransferSettings
    ) throws(TransferError) {
        unsafe ccurl_easy_reset(handle)
        setRequest(request, uploadLength: uploadLength)
        setBounds(settings, transfer)
        setRoute(proxy, settings)
        setCallbacks(transfer)
        let fields = try FieldList(request.fields)
        unsafe set(CURLOPT_HTTPHEADER, list: fields.list)
        let (code, message) = withExtendedLifetime(transfer) { run() }
        withExtendedLifetime(fields) {}
        if let failure = transfer.failure { throw failure }
        if code != CURLE_OK { throw error(code, message, transfer, settings) }
    }

    private func run() -> (CURLcode, String) {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CURL_ERROR_SIZE)) { buffer in
            unsafe buffer.initialize(repeating: 0)
            unsafe ccurl_set_error_buffer(handle, buffer.baseAddress)
            let code = unsafe ccurl_easy_perform(handle)
            unsafe ccurl_set_error_buffer(handle, nil)
            let detail = unsafe buffer.baseAddress.map { unsafe String(cString: $0) } ?? ""
            return (code, detail.isEmpty ? unsafe String(cString: ccurl_easy_strerror(code)) : detail)
        }
    }

    // MARK: Options

    private func setRequest(_ request: HTTPRequest, uploadLength: Int64?) {
        set(CURLOPT_URL, request.url.description)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_USERAGENT, "satchel")
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        // Every form that the library can unpack.
        if request.acceptsCompression { set(CURLOPT_ACCEPT_ENCODING, "") }
        switch request.method {
        case .get: set(CURLOPT_HTTPGET, 1)
        case .head: set(CURLOPT_NOBODY, 1)
        case .put: set(CURLOPT_UPLOAD, 1)
        case .post, .patch:
            set(CURLOPT_UPLOAD, 1)
            set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        case .delete: set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        }
        if let uploadLength { _ = unsafe ccurl_set_offset(handle, CURLOPT_INFILESIZE_LARGE, Int(uploadLength)) }
    }

    private func setBounds(_ settings: TransferSettings, _ transfer: CurlTransfer) {
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_CONNECTTIMEOUT_MS, transfer.connectMilliseconds(settings))
        set(CURLOPT_LOW_SPEED_LIMIT, transfer.receivesFile ? settings.lowestDownloadRate : 1)
        set(CURLOPT_LOW_SPEED_TIME, settings.stallTimeoutSeconds)
        if !transfer.movesFile { set(CURLOPT_TIMEOUT, TransferSettings.answerTimeoutSeconds) }
        set(CURLOPT_BUFFERSIZE, 256 * 1024)
        set(CURLOPT_UPLOAD_BUFFERSIZE, 256 * 1024)
    }

    private func setRoute(_ proxy: ProxyChoice, _ settings: TransferSettings) {
        switch proxy {
        case .direct: set(CURLOPT_PROXY, "")
        case .proxy(let url): set(CURLOPT_PROXY, url)
        }
        set(CURLOPT_NOPROXY, "")
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        setTrust(settings)
        isDirect = proxy == .direct
    }

    /// Certificates that replace the system's: those of the settings, else those that the environment names, in curl's
    /// order (curl(1), OpenSSL's SSL_CTX_load_verify_locations(3)).
    private func setTrust(_ settings: TransferSettings) {
        func variable(_ name: String) -> String? { settings.environment(name).flatMap { $0.isEmpty ? nil : $0 } }
        if let file = settings.certificateFile ?? variable("CURL_CA_BUNDLE") {
            set(CURLOPT_CAINFO, file)
            _ = unsafe ccurl_set_string(handle, CURLOPT_CAPATH, nil)
            return
        }
        if let folder = variable("SSL_CERT_DIR") { set(CURLOPT_CAPATH, folder) }
        if let file = variable("SSL_CERT_FILE") { set(CURLOPT_CAINFO, file) }
    }

    /// Whether connections go to the host itself rather than to a proxy.
    private var isDirect = true

    private func set(_ option: CURLoption, _ value: Int) { _ = unsafe ccurl_set_long(handle, option, value) }

    private func set(_ option: CURLoption, _ value: String) { _ = unsafe ccurl_set_string(handle, option, value) }

    private func set(_ option: CURLoption, list: UnsafeMutablePointer<curl_slist>?) {
        _ = unsafe ccurl_set_list(handle, option, list)
    }

    // MARK: Callbacks

    private func setCallbacks(_ transfer: CurlTransfer) {
        let context = unsafe Unmanaged.passUnretained(transfer).toOpaque()
        unsafe ccurl_set_header(handle, takeHeadLine, context)
        unsafe ccurl_set_write(handle, takeBody, context)
        unsafe ccurl_set_read(handle, giveBody, context)
        unsafe ccurl_set_seek(handle, rewind, context)
        set(CURLOPT_NOPROGRESS, 0)
        unsafe ccurl_set_progress(handle, report, context)
        if transfer.requiresPublicAddress && isDirect { unsafe ccurl_set_opensocket(handle, openSocket, context) }
    }

    // MARK: Errors

    /// The system's number for why a connection failed; 0 if there is none.
    private var systemError: Int32 { Int32(clamping: unsafe ccurl_get_long(handle, CURLINFO_OS_ERRNO)) }

    private func error(
        _ code: CURLcode, _ message: String, _ transfer: CurlTransfer, _ settings: TransferSettings
    ) -> TransferError {
        let host = transfer.host
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: return .unresolved(host: host, message)
        case CURLE_COULDNT_CONNECT:
            if let address = transfer.refusedAddress { return .refusedAddress(host: host, address) }
            return .unreachable(host: host, isDirect ? CurlSentence.unconnected(message, systemError) : message)
        case CURLE_PROXY: return .unreachable(host: host, message)
        case CURLE_OPERATION_TIMEDOUT:
            if let late = transfer.lateness { return late }
            let isConnected = unsafe ccurl_get_long(handle, CURLINFO_LOCAL_PORT) != 0
            guard isConnected else { return .unreachable(host: host, message) }
            let seconds = settings.stallTimeoutSeconds
            if transfer.receivesFile, settings.lowestDownloadRate > 1 {
                return .tooSlow(host: host, bytesPerSecond: settings.lowestDownloadRate, seconds: seconds)
            }
            let bound = transfer.movesFile ? Int.max : TransferSettings.answerTimeoutSeconds
            return .stalled(host: host, seconds: min(seconds, bound))
        case CURLE_SSL_CONNECT_ERROR where CurlSentence.isOfPlainServer(message): return .notTLS(host: host)
        case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_SSL_CONNECT_ERROR,
            CURLE_HTTP2, CURLE_HTTP2_STREAM:
            return .cut(host: host, message)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR,
            CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_PINNEDPUBKEYNOTMATCH:
            return .untrusted(host: host, message)
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_CONTENT_ENCODING:
            return .malformedAnswer(host: host, message)
        default: return .library(message)
        }
    }
}

/// What libcurl says of errors, in fewer words.
enum CurlSentence {
    /// Why there is no connection: what the system says, or else libcurl without the host and its port, which it repeats.
    static func unconnected(_ message: String, _ systemError: Int32) -> String {
        if systemError > 0 { return FileError.reason(systemError).lowercased() }
        return String(message.trimmingPrefix(/Failed to connect to .* after [0-9]+ ms:\s/))
    }

    /// Whether the other side answered in clear text: OpenSSL's words, and those of GnuTLS.
    static func isOfPlainServer(_ message: String) -> Bool {
        ["wrong version number", "http request", "packet with illegal or unsupported version"].contains {
            message.lowercased().contains($0)
        }
    }
}

/// The fields of a request in libcurl's form, freed with this object.
@safe private final class FieldList {
    private(set) var list: UnsafeMutablePointer<curl_slist>?

    init(_ fields: [HTTPField]) throws(TransferError) {
        unsafe list = nil
        for field in fields {
            precondition(
                field.value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f }, "a request field has no control characters")
            guard let longer = unsafe ccurl_slist_append(list, "\(field.name): \(field.value)") else {
                throw .library("out of memory")
            }
            unsafe list = longer
        }
    }

    deinit { unsafe ccurl_slist_free_all(list) }
}

extension CurlTransfer {
    @unsafe fileprivate static func of(_ context: UnsafeMutableRawPointer?) -> CurlTransfer? {
        unsafe context.map { unsafe Unmanaged<CurlTransfer>.fromOpaque($0).takeUnretainedValue() }
    }
}

private let takeHeadLine: curl_write_callback = { bytes, size, count, context in
    guard let transfer = unsafe CurlTransfer.of(context), let bytes = unsafe bytes else { return 0 }
    let line = unsafe [UInt8](UnsafeRawBufferPointer(start: bytes, count: size * count))
    return transfer.takeHeadLine(line) ? line.count : 0
}

private let takeBody: curl_write_callback = { bytes, size, count, context in
    guard let transfer = unsafe CurlTransfer.of(context), let bytes = unsafe bytes else { return 0 }
    let buffer = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
    return transfer.takeBody(unsafe buffer.bytes) ? size * count : 0
}

private let giveBody: curl_read_callback = { bytes, size, count, context in
    guard let transfer = unsafe CurlTransfer.of(context), let bytes = unsafe bytes else {
        return Int(CURL_READFUNC_ABORT)
    }
    var span = unsafe UnsafeMutableRawBufferPointer(start: bytes, count: size * count).mutableBytes
    return transfer.giveBody(into: &span) ?? Int(CURL_READFUNC_ABORT)
}

private let rewind: curl_seek_callback = { context, offset, origin in
    guard let transfer = unsafe CurlTransfer.of(context), origin == SEEK_SET else { return CURL_SEEKFUNC_CANTSEEK }
    return transfer.rewind(to: Int64(offset)) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL
}

private let report: curl_xferinfo_callback = { context, _, received, _, sent in
    unsafe CurlTransfer.of(context)?.report(sent: Int64(sent), received: Int64(received)) == false ? 1 : 0
}

private let openSocket: curl_opensocket_callback = { context, _, address in
    guard let transfer = unsafe CurlTransfer.of(context), let address = unsafe address else { return -1 }
    let bytes = unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16) { buffer in
        let count = Int(unsafe ccurl_address_bytes(address, buffer.baseAddress))
        return unsafe Array(buffer.prefix(count))
    }
    guard let peer = IPAddress(bytes: bytes), peer.isPublic else {
        transfer.refusedAddress = IPAddress(bytes: bytes)
        return -1
    }
    return unsafe ccurl_open_socket(address)
}

/// HTTP dates in their three formats (RFC 9110 §5.6.7).
enum CurlDate {
    /// Seconds since 1970; nil if it is not a date.
    static func seconds(_ text: String) -> Int64? {
        guard CurlHandle.isLoaded else { return nil }
        let seconds = unsafe ccurl_getdate(text)
        return seconds < 0 ? nil : Int64(seconds)
    }
}
