import Blobs

extension WebPage {
    /// The page that a pasted link leads to where no script is wanted: it loads nothing and runs nothing. The key follows
    /// the `#`, which browsers do not send.
    package static let note = plain(
        .note, "An encrypted file",
        """
        <p>Somebody sent you a file. It is stored here encrypted. The key is in the part of the link after <code>#</code>,
        which stays on your device: this server has never seen it.</p>
        <p>To open the file, run <code>satchel open</code> in a terminal, paste the whole link and press Enter.</p>
        <p>Anyone who has the whole link can open the file until it expires. Treat the link like the file itself.</p>
        """)

    /// The page that a link leads to of which something is missing before its `#`.
    package static let cut = plain(
        .cut, "This link is not whole",
        """
        <p>A part of its address is missing, so it leads to no file. Ask for it again, and copy all of it, to the very
        end.</p>
        """)

    /// A page of a heading and paragraphs.
    private static func plain(_ name: Name, _ title: String, _ paragraphs: String) -> WebPage {
        let text = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width,initial-scale=1">
            <meta name="referrer" content="no-referrer">
            <meta name="robots" content="noindex">
            <meta name="generator" content="Satchel \(Release.version)">
            <title>\(title)</title>
            <style>\(plainStyle)</style>
            </head>
            <body>
            <h1>\(title)</h1>
            \(paragraphs)
            </body>
            </html>

            """
        return WebPage(name, Array(text.utf8), gzip: nil, plainPolicy)
    }

    /// The style that it may apply is named by its digest (Content Security Policy Level 3 §8.3).
    private static let plainPolicy = PagePolicy(
        "default-src 'none'; style-src 'sha256-\(Base64.encode(BlobAddress(of: Array(plainStyle.utf8)).bytes))'; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")

    private static let plainStyle = """
        body{font:1.1rem/1.6 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem;color:#222;\
        background:#fff}code{background:#eee;padding:.1em .3em;border-radius:3px}\
        @media(prefers-color-scheme:dark){body{color:#ddd;background:#111}code{background:#333}}
        """
}
