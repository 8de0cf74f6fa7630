/// Dates as HTTP spells them (RFC 9110 §5.6.7), by calendar arithmetic; seconds since 1970-01-01 00:00 UTC.
public enum HTTPDate {
    /// The bytes of an IMF-fixdate such as `Sun, 06 Nov 1994 08:49:37 GMT`.
    public static var byteCount: Int { 29 }

    /// Writes the IMF-fixdate of `seconds` into the first 29 bytes; throws ``WireError/bufferTooSmall`` for fewer.
    ///
    /// Years before 0 and after 9999 have no such spelling and are written as the nearest second that has one.
    public static func write(_ seconds: Int, into buffer: UnsafeMutableRawBufferPointer) throws(WireError) {
        guard buffer.count >= byteCount else { throw .bufferTooSmall }
        let clamped = min(max(seconds, -62_167_219_200), 253_402_300_799)
        let (days, rest) = floorDivide(clamped, 86_400)
        let date = civil(fromDays: days)
        // Day 0 was a Thursday.
        let weekday = floorDivide(days + 4, 7).remainder
        let text: StaticString = "Thu, 01 Jan 1970 00:00:00 GMT"
        buffer.copyMemory(from: UnsafeRawBufferPointer(start: text.utf8Start, count: byteCount))
        for index in 0..<3 {
            buffer[index] = weekdays.utf8Start[weekday * 3 + index]
            buffer[8 + index] = months.utf8Start[(date.month - 1) * 3 + index]
        }
        func two(_ value: Int, at index: Int) {
            buffer[index] = Byte.zero + UInt8(value / 10)
            buffer[index + 1] = Byte.zero + UInt8(value % 10)
        }
        two(date.day, at: 5)
        two(date.year / 100, at: 12)
        two(date.year % 100, at: 14)
        two(rest / 3600, at: 17)
        two(rest / 60 % 60, at: 20)
        two(rest % 60, at: 23)
    }

    /// The IMF-fixdate of `seconds`.
    public static func string(_ seconds: Int) -> String {
        String(unsafeUninitializedCapacity: byteCount) { buffer in
            // The room is there: it was asked for.
            do throws(WireError) { try write(seconds, into: UnsafeMutableRawBufferPointer(buffer)) } catch { return 0 }
            return byteCount
        }
    }

    /// The seconds that an IMF-fixdate, RFC 850 or asctime date names, or nil if `text` is none of them.
    ///
    /// All three must be read (RFC 9110 §5.6.7). A two-digit year is taken in the century around `now` so that it is
    /// at most 50 years ahead; `now` in seconds as well. Weekdays are checked to be one, not to be the right one.
    public static func parse(_ text: String, now: Int = 1_767_225_600) -> Int? {
        var reader = DateReader(text)
        return reader.read(now: now)
    }

    static var weekdays: StaticString { "SunMonTueWedThuFriSat" }
    static var months: StaticString { "JanFebMarAprMayJunJulAugSepOctNovDec" }

    static func floorDivide(_ value: Int, _ divisor: Int) -> (quotient: Int, remainder: Int) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    /// The date `days` after 1970-01-01, in years that begin in March so that the leap day is their last
    /// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    static func civil(fromDays days: Int) -> (year: Int, month: Int, day: Int) {
        let (era, dayOfEra) = floorDivide(days + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    /// The days from 1970-01-01 to a date, negative before it; the inverse of ``civil(fromDays:)``.
    static func days(year: Int, month: Int, day: Int) -> Int {
        let (era, yearOfEra) = floorDivide(month <= 2 ? year - 1 : year, 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
