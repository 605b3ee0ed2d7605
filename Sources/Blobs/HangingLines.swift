/// Words of help in lines that a terminal of 80 columns shows as they are: the argument parser breaks longer ones, and
/// begins again at the left margin.
///
/// - Parameters:
///   - lead: what the first line begins with; further lines are set in as far.
///   - words: none of them is broken, whatever blanks it has.
package func hangingLines(_ lead: String, _ words: some Sequence<some StringProtocol>, columns: Int = 79) -> String {
    var lines = [lead]
    var isBeginning = true
    for word in words {
        let last = lines[lines.count - 1]
        if !isBeginning && last.count + 1 + word.count > columns {
            lines.append(String(repeating: " ", count: lead.count) + word)
        } else {
            lines[lines.count - 1] = last + (isBeginning ? "" : " ") + word
        }
        isBeginning = false
    }
    return lines.joined(separator: "\n")
}
