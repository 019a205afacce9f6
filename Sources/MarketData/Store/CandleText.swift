import COpenSSL

extension CandleColumns {
    /// Appends the candles as lines `time_ms,open,high,low,close,volume`, decimals in their shortest form.
    func writeLines(to output: inout [UInt8]) {
        for index in 0..<count {
            Self.write(openTimes[index], digits: 0, to: &output)
            output.append(UInt8(ascii: ","))
            Self.write(open[index], digits: priceDigits, to: &output)
            output.append(UInt8(ascii: ","))
            Self.write(high[index], digits: priceDigits, to: &output)
            output.append(UInt8(ascii: ","))
            Self.write(low[index], digits: priceDigits, to: &output)
            output.append(UInt8(ascii: ","))
            Self.write(close[index], digits: priceDigits, to: &output)
            output.append(UInt8(ascii: ","))
            Self.write(volume[index], digits: volumeDigits, to: &output)
            output.append(UInt8(ascii: "\n"))
        }
    }

    /// Appends a number with so many digits behind its point as ``Trading/FixedDecimal`` writes it.
    static func write(_ number: Int64, digits: Int, to output: inout [UInt8]) {
        if number < 0 { output.append(UInt8(ascii: "-")) }
        var (whole, rest) = number.magnitude.quotientAndRemainder(dividingBy: UInt64(power(digits)))
        let start = output.count
        repeat {
            output.append(UInt8(ascii: "0") + UInt8(whole % 10))
            whole /= 10
        } while whole > 0
        output[start...].reverse()
        guard rest > 0 else { return }
        var places = digits
        while rest % 10 == 0 {
            rest /= 10
            places -= 1
        }
        output.append(UInt8(ascii: "."))
        let point = output.count
        for _ in 0..<places {
            output.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        }
        output[point...].reverse()
    }
}

/// The hash of candles as lines.
@safe
struct ContentHash: ~Copyable {
    private let context: OpaquePointer
    private var lines: [UInt8] = []

    init() {
        guard let context = unsafe EVP_MD_CTX_new(), unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1
        else { preconditionFailure("no memory for a hash") }
        unsafe self.context = context
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    mutating func add(_ columns: CandleColumns) {
        lines.removeAll(keepingCapacity: true)
        columns.writeLines(to: &lines)
        let result = unsafe lines.withUnsafeBytes {
            unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count)
        }
        precondition(result == 1)
    }

    /// In 64 lower-case hexadecimal digits. Nothing may be added after that.
    mutating func hexadecimal() -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        let result = unsafe digest.withUnsafeMutableBufferPointer {
            unsafe EVP_DigestFinal_ex(context, $0.baseAddress, nil)
        }
        precondition(result == 1)
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
