// Tokens and numbers of libsvm and libffm text. Every scan stops at a newline, which the caller
// guarantees to be there; none allocates memory.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cfloat>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <system_error>

#include "text/text.hpp"

namespace fieldfare::text {

inline constexpr std::array<double, 23> kPowersOfTen = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

inline constexpr std::array<bool, 256> kEndsToken = [] {
  std::array<bool, 256> table{};
  for (const char c : {' ', '\t', ',', '\n', '\r', '#'})
    table[static_cast<unsigned char>(c)] = true;
  return table;
}();

inline bool ends_token(char c) { return kEndsToken[static_cast<unsigned char>(c)]; }
inline bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }
inline std::uint64_t digit(char c) { return static_cast<std::uint64_t>(c - '0'); }

// Commas separate tokens as blanks do: xLearn writes both.
inline const char* skip_blanks(const char* p) {
  while (*p == ' ' || *p == '\t' || *p == ',') ++p;
  return p;
}

// The start of the next line if nothing but a comment is left of this one, else null.
inline const char* line_end(const char* p) {
  if (*p == '\n') return p + 1;
  if (*p == '\r' && p[1] == '\n') return p + 2;
  if (*p != '#') return nullptr;
  while (*p != '\n') ++p;
  return p + 1;
}

// Reads digits. More than 19 do not fit into 64 bits and give the largest number, which no caller
// accepts.
inline const char* scan_integer(const char* p, std::uint64_t* value) {
  const char* const begin = p;
  std::uint64_t sum = 0;
  for (; is_digit(*p); ++p) sum = sum * 10 + digit(*p);
  *value = p - begin <= 19 ? sum : std::numeric_limits<std::uint64_t>::max();
  return p;
}

// The same, fastest for one or two digits.
inline const char* scan_field(const char* p, std::uint64_t* value) {
  if (!is_digit(*p)) [[unlikely]]
    return scan_integer(p, value);
  if (!is_digit(p[1])) {
    *value = digit(*p);
    return p + 1;
  }
  if (!is_digit(p[2])) {
    *value = digit(*p) * 10 + digit(p[1]);
    return p + 2;
  }
  return scan_integer(p, value);
}

// The same for up to seven digits at once, without a branch on how many there are: ids differ in
// length from entry to entry, and a wrong guess costs more than the digits do. Needs the end of the
// text, beyond which nothing is read.
inline const char* scan_id(const char* p, const char* end, std::uint64_t* value) {
  if constexpr (std::endian::native != std::endian::little) return scan_integer(p, value);
  if (end - p < 8) [[unlikely]]
    return scan_integer(p, value);
  std::uint64_t word = 0;
  std::memcpy(&word, p, 8);
  word ^= 0x3030303030303030;  // digits become 0 to 9
  // The high bit of each byte above 9; correct up to the first one, since carries only go upwards.
  const std::uint64_t others = (word | (word + 0x7676767676767676)) & 0x8080808080808080;
  const int n_bits = std::countr_zero(others) & ~7;
  if (others == 0 || n_bits == 0) [[unlikely]]
    return scan_integer(p, value);
  word <<= 64 - n_bits;  // as if zeros came first
  word = (word * 10 + (word >> 8)) & 0x00ff00ff00ff00ff;
  word = (word * 100 + (word >> 16)) & 0x0000ffff0000ffff;
  *value = (word * 10000 + (word >> 32)) & 0xffffffff;
  return p + n_bits / 8;
}

// Skips the ".0" after the digits from `begin` to p: whole numbers that passed through floats have
// it.
inline const char* skip_zero_fraction(const char* begin, const char* p) {
  if (p == begin || *p != '.' || p[1] != '0') return p;
  ++p;
  while (*p == '0') ++p;
  return p;
}

struct Decimal {
  const char* begin;       // after the sign
  const char* end;         // one past the last character
  std::uint64_t mantissa;  // all digits as one integer; wraps if there are more than 19
  std::int64_t n_digits;
  std::int64_t scale;  // value = mantissa * 10^scale
  bool negative;
};

// Reads [+-] digits [. digits] [e [+-] digits]; false if there is no such number here.
inline bool scan_decimal(const char* p, Decimal* decimal) {
  decimal->negative = *p == '-';
  if (*p == '-' || *p == '+') ++p;
  decimal->begin = p;
  std::uint64_t mantissa = 0;
  for (; is_digit(*p); ++p) mantissa = mantissa * 10 + digit(*p);
  std::int64_t n_digits = p - decimal->begin;
  std::int64_t scale = 0;
  if (*p == '.') {
    const char* const fraction = ++p;
    for (; is_digit(*p); ++p) mantissa = mantissa * 10 + digit(*p);
    n_digits += p - fraction;
    scale = fraction - p;
  }
  if (n_digits == 0) return false;
  if (*p == 'e' || *p == 'E') {
    ++p;
    const bool negative = *p == '-';
    if (*p == '-' || *p == '+') ++p;
    if (!is_digit(*p)) return false;
    std::int64_t exponent = 0;
    for (; is_digit(*p); ++p) {
      if (exponent < 1'000'000'000'000'000) exponent = exponent * 10 + (*p - '0');
    }
    scale += negative ? -exponent : exponent;
  }
  decimal->end = p;
  decimal->mantissa = mantissa;
  decimal->n_digits = n_digits;
  decimal->scale = scale;
  return true;
}

// The nearest float by the standard library, for numbers that the fast path cannot handle; infinite
// if out of range.
[[gnu::noinline]] inline float to_float_slowly(const Decimal& decimal) {
  float value = 0;
  const auto result = std::from_chars(decimal.begin, decimal.end, value);
  if (result.ec == std::errc::result_out_of_range) {
    // Numbers too large and too small give the same error; the place of the first digit tells
    // which.
    std::int64_t rank = decimal.n_digits + decimal.scale;
    for (const char* p = decimal.begin; p < decimal.end && (*p == '0' || *p == '.'); ++p) {
      rank -= *p == '0';
    }
    value = rank > 0 ? std::numeric_limits<float>::infinity() : 0.0f;
  }
  return decimal.negative ? -value : value;
}

inline constexpr std::uint64_t kExactInDouble = 9007199254740992;  // 2^53

// The float nearest to a decimal. A mantissa up to 2^53 and a power of ten up to 10^22 are exact as
// doubles, so that one product or quotient of them is rounded once (Clinger 1990). Rounding it
// again to a float is safe unless it lies midway between two floats or is not a normal float.
inline float to_float(const Decimal& decimal) {
  if (decimal.n_digits > 18 || decimal.mantissa > kExactInDouble || decimal.scale > 22 ||
      decimal.scale < -22) [[unlikely]] {
    return to_float_slowly(decimal);
  }
  auto value = static_cast<double>(decimal.mantissa);
  if (decimal.scale < 0) {
    value /= kPowersOfTen[static_cast<std::size_t>(-decimal.scale)];
  } else {
    value *= kPowersOfTen[static_cast<std::size_t>(decimal.scale)];
  }
  // A double has 29 more bits than a float; it lies midway if only the first of them is set.
  const bool midway = (std::bit_cast<std::uint64_t>(value) & 0x1fffffffU) == 0x10000000U;
  if (midway || value > FLT_MAX || (value < FLT_MIN && decimal.mantissa != 0)) [[unlikely]] {
    return to_float_slowly(decimal);
  }
  return static_cast<float>(decimal.negative ? -value : value);
}

// Reads a finite number that fills its token; null if there is none here.
inline const char* scan_number(const char* p, float* value) {
  Decimal decimal;
  if (!scan_decimal(p, &decimal) || !ends_token(*decimal.end)) return nullptr;
  *value = to_float(decimal);
  return std::isfinite(*value) ? decimal.end : nullptr;
}

struct Entry {
  std::uint64_t id = 0;
  std::uint64_t field = 0;
  float value = 1.0f;
};

// Reads "id:value" or "field:id:value" within the limits, which fills its token; null if there is
// none here.
template <bool kHasFields>
[[gnu::always_inline]] inline const char* scan_entry(const char* p, const char* end, Entry* entry) {
  if (kHasFields) {
    const char* const begin = p;
    p = scan_field(p, &entry->field);
    if (*p != ':') [[unlikely]]
      p = skip_zero_fraction(begin, p);
    if (p == begin || *p != ':' || entry->field > kMaxField) [[unlikely]]
      return nullptr;
    ++p;
  }
  const char* const begin = p;
  p = scan_id(p, end, &entry->id);
  if (*p != ':') [[unlikely]]
    p = skip_zero_fraction(begin, p);
  if (p == begin || *p != ':' || entry->id > kMaxId) [[unlikely]]
    return nullptr;
  ++p;
  if (*p == '1' && ends_token(p[1])) return p + 1;
  return scan_number(p, &entry->value);
}

// ---- What is wrong with a token; speed is no concern from here on.

inline const char* token_end(const char* p) {
  while (!ends_token(*p)) ++p;
  return p;
}

inline Reason why_no_number(const char* p, Reason otherwise) {
  Decimal decimal;
  if (scan_decimal(p, &decimal) && ends_token(*decimal.end)) return Reason::kOutOfRange;
  if (*p == '-' || *p == '+') ++p;
  for (const std::string_view word : {"nan", "inf"}) {
    const auto same_letter = [](char letter, char c) {
      return c == letter || c == letter - 'a' + 'A';
    };
    if (token_end(p) - p >= 3 && std::equal(word.begin(), word.end(), p, same_letter)) {
      return Reason::kNotFinite;
    }
  }
  return otherwise;
}

inline Reason why_no_target(const char* p) {
  if (*p == '\r') return Reason::kStrayReturn;
  const char* const end = token_end(p);
  const std::string_view token(p, static_cast<std::size_t>(end - p));
  if (token.starts_with("qid:") || token.starts_with("weight:")) return Reason::kMissingTarget;
  if (is_digit(*p) && token.find(':') != token.npos) return Reason::kMissingTarget;
  return why_no_number(p, Reason::kBadTarget);
}

// Why the text from p to the next colon is not an integer up to a limit, or kNone.
inline Reason why_no_integer(const char* p, const char* colon, std::uint64_t limit, Reason bad,
                             Reason too_large) {
  if (*p == '-' && is_digit(p[1])) return bad == Reason::kBadId ? Reason::kNegativeId : bad;
  std::uint64_t value = 0;
  const char* const digits = scan_integer(p, &value);
  const char* const end = skip_zero_fraction(p, digits);
  if (end == p || end != colon) return bad;
  return value > limit ? too_large : Reason::kNone;
}

inline Reason why_no_entry(const char* p, bool has_fields, bool may_be_target) {
  if (*p == '\r') return Reason::kStrayReturn;
  const char* const end = token_end(p);
  const std::string_view token(p, static_cast<std::size_t>(end - p));
  if (token.starts_with("qid:") || token.starts_with("weight:")) return Reason::kMisplacedWord;
  const auto n_colons = std::count(p, end, ':');
  if (n_colons == 0) return may_be_target ? Reason::kUnexpectedTarget : Reason::kNoColon;
  const char* colon = std::find(p, end, ':');
  Reason reason = Reason::kNone;
  if (has_fields) {
    if (n_colons == 1) return Reason::kTwoParts;
    reason = why_no_integer(p, colon, kMaxField, Reason::kBadField, Reason::kFieldTooLarge);
    if (reason != Reason::kNone) return reason;
    p = colon + 1;
    colon = std::find(p, end, ':');
  } else if (n_colons == 2) {
    return Reason::kThreeParts;
  }
  reason = why_no_integer(p, colon, kMaxId, Reason::kBadId, Reason::kIdTooLarge);
  return reason != Reason::kNone ? reason : why_no_number(colon + 1, Reason::kBadValue);
}

}  // namespace fieldfare::text
