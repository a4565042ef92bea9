#include "ir/text/numbers.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "ir/base/float_bits.h"
#include "ir/base/status.h"

namespace ingot::text {
namespace {

// Longest number that we print: "-2.2250738585072014e-308".
constexpr size_t kNumberBuffer = 64;

absl::Status NotANumber(Lexer& lexer, size_t start, ElementType type) {
  lexer.Rewind(start);
  return lexer.Expected(absl::StrCat("a value of ", ElementTypeName(type)));
}

absl::Status OutOfRange(const Lexer& lexer, size_t start, absl::string_view text,
                        ElementType type) {
  return lexer.ErrorAt(start, text.substr(0, kNumberBuffer), " is out of range for ",
                       ElementTypeName(type));
}

absl::Status ReadInteger(Lexer& lexer, ElementType type, std::byte* at) {
  const size_t start = lexer.Position();
  const absl::string_view text = lexer.Number();
  const int width = BitWidth(type);
  uint64_t bits = 0;
  bool in_range = false;
  const absl::string_view digits = absl::StripPrefix(text, "-");
  if (digits.empty() || digits.find_first_not_of("0123456789") != absl::string_view::npos) {
    return NotANumber(lexer, start, type);
  }
  if (IsSigned(type)) {
    int64_t value;
    const int64_t limit = int64_t{1} << (width - 2) << 1;  // 2^(width-1); wraps for s64
    in_range =
        absl::SimpleAtoi(text, &value) && (width == 64 || (value >= -limit && value < limit));
    bits = static_cast<uint64_t>(value);
  } else {
    in_range = absl::SimpleAtoi(text, &bits) && (width == 64 || bits >> width == 0);
  }
  if (!in_range) return OutOfRange(lexer, start, text, type);
  std::memcpy(at, &bits, ByteWidth(type));
  return absl::OkStatus();
}

absl::Status ReadPred(Lexer& lexer, std::byte* at) {
  const size_t start = lexer.Position();
  const absl::string_view text = lexer.Number();
  if (text == "true" || text == "1") {
    *at = std::byte{1};
  } else if (text == "false" || text == "0") {
    *at = std::byte{0};
  } else {
    return NotANumber(lexer, start, ElementType::kPred);
  }
  return absl::OkStatus();
}

// The bits in the mantissa of a quiet NaN, for formats that have several NaNs.
uint64_t QuietMantissa(const FloatFormat& format) {
  return uint64_t{1} << (format.mantissa_bits - 1);
}
uint64_t MantissaMask(const FloatFormat& format) {
  return (uint64_t{1} << format.mantissa_bits) - 1;
}
bool HasNanPayload(const FloatFormat& format) { return format.specials == FloatSpecials::kIeee; }

// nan, or nan(0x12) with the mantissa's bits; the word is already taken.
absl::StatusOr<uint64_t> ReadNan(Lexer& lexer, size_t start, bool negative, ElementType type) {
  const FloatFormat& format = FormatOf(type);
  if (format.specials == FloatSpecials::kFinite) {
    return lexer.ErrorAt(start, ElementTypeName(type), " has no NaN");
  }
  uint64_t bits = EncodeFloat(format, std::copysign(NAN, negative ? -1.0 : 1.0));
  if (!lexer.Consume("(")) return bits;
  const size_t payload_start = lexer.Position();
  uint64_t payload;
  if (!absl::SimpleHexAtoi(lexer.Number(), &payload) || payload == 0 ||
      payload > MantissaMask(format) || !HasNanPayload(format)) {
    return lexer.ErrorAt(payload_start, "bad bits of a NaN of ", ElementTypeName(type));
  }
  INGOT_RETURN_IF_ERROR(lexer.Expect(")", "after the bits of a NaN"));
  return (bits & ~MantissaMask(format)) | payload;
}

absl::Status ReadFloat(Lexer& lexer, ElementType type, std::byte* at) {
  const size_t start = lexer.Position();
  const absl::string_view text = lexer.Number();
  const bool negative = absl::StartsWith(text, "-");
  const absl::string_view magnitude = text.substr(negative ? 1 : 0);
  const FloatFormat& format = FormatOf(type);
  uint64_t bits;
  if (magnitude == "nan") {
    INGOT_ASSIGN_OR_RETURN(bits, ReadNan(lexer, start, negative, type));
  } else if (magnitude == "inf") {
    if (format.specials != FloatSpecials::kIeee) return OutOfRange(lexer, start, text, type);
    bits = EncodeFloat(format, negative ? -INFINITY : INFINITY);
  } else {
    double value;
    if (magnitude.empty() || !(absl::ascii_isdigit(magnitude[0]) || magnitude[0] == '.') ||
        magnitude.find_first_not_of("0123456789.eE+-") != absl::string_view::npos ||
        !absl::SimpleAtod(text, &value)) {
      return NotANumber(lexer, start, type);
    }
    bits = EncodeFloat(format, value);
    if (!std::isfinite(DecodeFloat(format, bits))) return OutOfRange(lexer, start, text, type);
  }
  std::memcpy(at, &bits, ByteWidth(type));
  return absl::OkStatus();
}

// %.*g
void AppendDigits(double value, int digits, std::string& out) {
  char buffer[kNumberBuffer];
  const auto end =
      std::to_chars(buffer, buffer + sizeof(buffer), value, std::chars_format::general, digits);
  out.append(buffer, end.ptr - buffer);
}

// `value` with `few` digits if that reads back to it as a T, otherwise with `enough`.
template <typename T>
void AppendRoundTrip(T value, int few, int enough, std::string& out) {
  const size_t start = out.size();
  AppendDigits(value, few, out);
  T back = 0;
  std::from_chars(out.data() + start, out.data() + out.size(), back);
  if (back == value) return;
  out.resize(start);
  AppendDigits(value, enough, out);
}

void AppendNan(const FloatFormat& format, uint64_t bits, bool negative, std::string& out) {
  absl::StrAppend(&out, negative ? "-nan" : "nan");
  const uint64_t mantissa = bits & MantissaMask(format);
  if (HasNanPayload(format) && mantissa != QuietMantissa(format)) {
    absl::StrAppend(&out, "(0x", absl::Hex(mantissa), ")");
  }
}

void AppendFloat(ElementType type, const std::byte* at, std::string& out) {
  const FloatFormat& format = FormatOf(type);
  uint64_t bits = 0;
  std::memcpy(&bits, at, ByteWidth(type));
  const double value = DecodeFloat(format, bits);
  if (std::isnan(value)) {
    AppendNan(format, bits, std::signbit(value), out);
  } else if (std::isinf(value)) {
    absl::StrAppend(&out, value < 0 ? "-inf" : "inf");
  } else if (type == ElementType::kF64) {
    AppendDouble(value, out);
  } else if (type == ElementType::kF32) {
    AppendRoundTrip(static_cast<float>(value), 6, 9, out);
  } else {
    // Digits that tell any two values of the format apart: ceil(1 + (mantissa bits + 1) log10 2).
    const int digits = static_cast<int>(std::ceil(1 + (format.mantissa_bits + 1) * std::log10(2)));
    AppendDigits(value, digits, out);
  }
}

void AppendInteger(ElementType type, const std::byte* at, std::string& out) {
  uint64_t bits = 0;
  std::memcpy(&bits, at, ByteWidth(type));
  const int unused = 64 - BitWidth(type);
  if (IsSigned(type)) {
    absl::StrAppend(&out, static_cast<int64_t>(bits << unused) >> unused);
  } else {
    absl::StrAppend(&out, bits << unused >> unused);
  }
}

}  // namespace

absl::Status ReadElement(Lexer& lexer, ElementType type, std::byte* at) {
  switch (Category(type)) {
    case TypeCategory::kPred:
      return ReadPred(lexer, at);
    case TypeCategory::kSigned:
    case TypeCategory::kUnsigned:
      return ReadInteger(lexer, type, at);
    case TypeCategory::kFloat:
      return ReadFloat(lexer, type, at);
    case TypeCategory::kComplex:
      break;
  }
  const ElementType component = ComponentType(type);
  INGOT_RETURN_IF_ERROR(lexer.Expect("(", "before a complex number"));
  INGOT_RETURN_IF_ERROR(ReadFloat(lexer, component, at));
  INGOT_RETURN_IF_ERROR(lexer.Expect(",", "in a complex number"));
  INGOT_RETURN_IF_ERROR(ReadFloat(lexer, component, at + ByteWidth(component)));
  return lexer.Expect(")", "after a complex number");
}

void AppendElement(ElementType type, const std::byte* at, std::string& out) {
  switch (Category(type)) {
    case TypeCategory::kPred:
      out += *at == std::byte{0} ? '0' : '1';
      return;
    case TypeCategory::kSigned:
    case TypeCategory::kUnsigned:
      return AppendInteger(type, at, out);
    case TypeCategory::kFloat:
      return AppendFloat(type, at, out);
    case TypeCategory::kComplex:
      break;
  }
  const ElementType component = ComponentType(type);
  out += '(';
  AppendFloat(component, at, out);
  out += ", ";
  AppendFloat(component, at + ByteWidth(component), out);
  out += ')';
}

void AppendDouble(double value, std::string& out) { AppendRoundTrip(value, 15, 17, out); }

}  // namespace ingot::text
