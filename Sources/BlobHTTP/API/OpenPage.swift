import Blobs
import HTTPTypes
import HummingbirdCore
import NIOCore
import Store

/// The page that a pasted link leads to. The key follows the `#`, which browsers do not send: the page is the same for
/// everybody, loads nothing and runs nothing.
enum OpenPage {
    private static let style = """
        body{font:1.1rem/1.6 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem;color:#222;\
        background:#fff}code{background:#eee;padding:.1em .3em;border-radius:3px}\
        @media(prefers-color-scheme:dark){body{color:#ddd;background:#111}code{background:#333}}
        """

    private static let html = """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width,initial-scale=1">
        <meta name="referrer" content="no-referrer">
        <title>An encrypted file</title>
        <style>\(style)</style>
        </head>
        <body>
        <h1>An encrypted file</h1>
        <p>Somebody sent you a file. It is stored here encrypted. The key is in the part of the link after <code>#</code>,
        which stays on your device: this server has never seen it.</p>
        <p>To open the file, run <code>satchel open -</code> and paste the whole link.</p>
        <p>Anyone who has the whole link can open the file until it expires. Treat the link like the file itself.</p>
        </body>
        </html>

        """

    private static let contentSecurityPolicy =
        "default-src 'none'; style-src 'sha256-\(styleDigest())'; base-uri 'none'; form-action 'none'; "
        + "frame-ancestors 'none'"

    /// The style that the page may apply, named by its digest (Content Security Policy Level 3 §8.3).
    private static func styleDigest() -> String {
        let bytes = Array(style.utf8)
        var hasher = BlobHasher()
        // Safe: the array outlives the span over its plain bytes.
        unsafe hasher.update(bytes.span.bytes)
        return Base64.encode(hasher.address().bytes)
    }

    static var response: Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "text/html; charset=utf-8", .cacheControl: "no-store",
                .contentSecurityPolicy: contentSecurityPolicy, .referrerPolicy: "no-referrer",
                .xContentTypeOptions: "nosniff",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(string: html)))
    }
}
