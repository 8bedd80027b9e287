// Text readers and writers: libsvm ("target id:value ...") and libffm ("target field:id:value
// ...").
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "common/rows.hpp"

namespace fieldfare::text {

inline constexpr std::uint64_t kMaxId = 4294967294;  // 2^32 - 2
inline constexpr std::uint64_t kMaxField = 65534;    // 2^16 - 2

// Why a text cannot be read. The numbers are known to fieldfare.kernels.text.Reason.
enum class Reason : std::int32_t {
  kNone = 0,
  kNoFinalNewline = 1,
  kBadTarget = 2,
  kMissingTarget = 3,
  kUnexpectedTarget = 4,
  kNoColon = 5,
  kTwoParts = 6,
  kThreeParts = 7,
  kBadId = 8,
  kNegativeId = 9,
  kIdTooLarge = 10,
  kBadField = 11,
  kFieldTooLarge = 12,
  kBadValue = 13,
  kNotFinite = 14,
  kOutOfRange = 15,
  kBadWeight = 16,
  kBadGroup = 17,
  kMissingGroup = 18,
  kUnexpectedGroup = 19,
  kMisplacedWord = 20,
  kStrayReturn = 21,
};

struct Fault {
  Reason reason = Reason::kNone;
  std::int64_t offset = 0;  // of the token at fault, from the begin of the text
};

// The form that every line must have.
struct Options {
  bool has_fields = false;
  bool has_target = true;
  bool has_group = false;
};

template <class T>
using Array = std::unique_ptr<T[]>;

// Rows that own their arrays; those that the text does not need are null. Only when `fault.reason`
// is kNone do the arrays mean anything.
struct Parsed {
  Fault fault;
  std::int64_t n_lines = 0;
  std::int64_t n_rows = 0;
  std::int64_t n_entries = 0;
  std::int64_t n_features = 0;  // one more than the largest id
  std::int64_t n_fields = 0;    // one more than the largest field
  Array<std::int64_t> indptr;
  Array<std::uint32_t> indices;
  Array<float> values;
  Array<std::uint16_t> fields;
  Array<float> target;
  Array<float> weight;
  Array<std::int64_t> group;
};

// Parses complete lines: a text that is not empty must end in a newline, which stops every scan.
// Safe for any bytes.
Parsed parse(const char* begin, std::size_t size, const Options& options);

// Writes rows as text, one line each, floats in the fewest digits that read back as the same float.
std::string format(const Rows& rows, const std::int64_t* group);

}  // namespace fieldfare::text
