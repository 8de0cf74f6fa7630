/// Reading the three date formats of RFC 9110 §5.6.7.
struct DateReader {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = text.utf8[...] }

    mutating func read(now: Int) -> Int? {
        var name = 0
        var letters = rest
        while let byte = letters.first, Byte.isAlpha(byte) {
            letters.removeFirst()
            name += 1
        }
        let isLong = name > 3
        guard isLong ? word(fullWeekdays) != nil : word("Sun Mon Tue Wed Thu Fri Sat") != nil else { return nil }
        if !isLong, rest.first == Byte.space { return asctime() }
        guard literal(", "), let day = number(2) else { return nil }
        let separator = isLong ? "-" : " "
        guard literal(separator), let month = word(months), literal(separator) else { return nil }
        guard var year = number(isLong ? 2 : 4), literal(" "), let time = time(), literal(" GMT") else { return nil }
        if isLong { year = century(of: year, now: now) }
        return seconds(year: year, month: month, day: day, time: time)
    }

    /// `Sun Nov  6 08:49:37 1994`
    private mutating func asctime() -> Int? {
        guard literal(" "), let month = word(months), literal(" ") else { return nil }
        let day = literal(" ") ? number(1) : number(2)
        guard let day, literal(" "), let time = time(), literal(" "), let year = number(4) else { return nil }
        return seconds(year: year, month: month, day: day, time: time)
    }

    private var months: String { "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec" }
    private var fullWeekdays: String { "Sunday Monday Tuesday Wednesday Thursday Friday Saturday" }

    private func seconds(year: Int, month: Int, day: Int, time: Int) -> Int? {
        guard rest.isEmpty, day >= 1 else { return nil }
        let days = HTTPDate.days(year: year, month: month + 1, day: day)
        // A day the month does not have comes back as another date.
        guard HTTPDate.civil(fromDays: days) == (year, month + 1, day) else { return nil }
        return days * 86_400 + time
    }

    /// RFC 9110 §5.6.7: a year that seems more than 50 years ahead is the last one in the past with these digits.
    private func century(of year: Int, now: Int) -> Int {
        let days = HTTPDate.floorDivide(now, 86_400).quotient
        let thisYear = HTTPDate.civil(fromDays: min(max(days, -700_000), 2_900_000)).year
        let guess = thisYear - thisYear % 100 + year
        if guess > thisYear + 50 { return guess - 100 }
        return guess <= thisYear - 50 ? guess + 100 : guess
    }

    /// Seconds of the day; a leap second counts as the one before it, as Unix time has none.
    private mutating func time() -> Int? {
        guard let hour = number(2), literal(":"), let minute = number(2), literal(":"), let second = number(2),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        return hour * 3600 + minute * 60 + min(second, 59)
    }

    private mutating func literal(_ text: String) -> Bool {
        guard rest.starts(with: text.utf8) else { return false }
        rest.removeFirst(text.utf8.count)
        return true
    }

    private mutating func number(_ digits: Int) -> Int? {
        var value = 0
        for _ in 0..<digits {
            guard let byte = rest.first, Byte.isDigit(byte) else { return nil }
            value = value * 10 + Int(byte - Byte.zero)
            rest.removeFirst()
        }
        return value
    }

    /// The index among the space-separated `words` of the one that comes next; case counts (RFC 9110 §5.6.7).
    private mutating func word(_ words: String) -> Int? {
        for (index, word) in words.split(separator: " ").enumerated() where rest.starts(with: word.utf8) {
            rest.removeFirst(word.utf8.count)
            return index
        }
        return nil
    }
}
