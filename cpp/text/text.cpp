#include "text/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <string>

#include "text/scan.hpp"

namespace fieldfare::text {
namespace {

// ---- The parser.

template <class T>
Array<T> allocate(std::int64_t size) {
  return Array<T>(new T[static_cast<std::size_t>(size)]);  // not zeroed: every byte is written
}

template <bool kHasFields>
class Parser {
 public:
  // The arrays of `out`, except values, have room for all that the text may hold: n_entries
  // entries.
  Parser(const char* end, const Options& options, std::int64_t n_entries, Parsed& out)
      : end_(end),
        options_(options),
        n_entries_(n_entries),
        out_(out),
        indices_(out.indices.get()),
        fields_(out.fields.get()) {}

  void run(const char* p) {
    while (p < end_) {
      p = skip_blanks(p);
      const char* const next = line_end(p);
      p = next != nullptr ? next : parse_row(p);
      if (p == nullptr) return;
    }
    out_.n_rows = row_;
    out_.n_entries = entry_;
    if (entry_ != 0) {
      out_.n_features = static_cast<std::int64_t>(max_id_) + 1;
      out_.n_fields = kHasFields ? static_cast<std::int64_t>(max_field_) + 1 : 0;
    }
    out_.indptr[row_] = entry_;
    if (!weighted_) out_.weight.reset();
  }

  Reason reason() const { return reason_; }
  const char* fault() const { return fault_; }

 private:
  const char* fail(const char* p, Reason reason) {
    fault_ = p;
    reason_ = reason;
    return nullptr;
  }

  const char* parse_row(const char* p) {
    const char* const line = p;
    out_.indptr[row_] = entry_;
    if (options_.has_target) {
      p = scan_number(p, &out_.target[row_]);
      if (p == nullptr) return fail(line, why_no_target(line));
      p = skip_blanks(p);
    }
    out_.weight[row_] = 1.0f;
    bool weighted = false;
    bool grouped = false;
    while (*p == 'q' || *p == 'w') {
      bool& seen = *p == 'q' ? grouped : weighted;
      if (seen) return fail(p, Reason::kMisplacedWord);
      seen = true;
      p = parse_word(p);
      if (p == nullptr) return nullptr;
      p = skip_blanks(p);
    }
    weighted_ |= out_.weight[row_] != 1.0f;
    if (options_.has_group && !grouped) return fail(line, Reason::kMissingGroup);
    const char* const next = parse_entries(p);
    if (next != nullptr) ++row_;
    return next;
  }

  // "qid:3" or "weight:0.5".
  const char* parse_word(const char* p) {
    const char* const word = p;
    // The comparison never runs past the text, because the final newline matches no letter.
    if (std::strncmp(p, "weight:", 7) == 0) {
      float& weight = out_.weight[row_];
      p = scan_number(p + 7, &weight);
      return p != nullptr && weight >= 0 ? p : fail(word, Reason::kBadWeight);
    }
    if (std::strncmp(p, "qid:", 4) == 0) {
      if (!options_.has_group) return fail(word, Reason::kUnexpectedGroup);
      std::uint64_t group = 0;
      p = skip_zero_fraction(word + 4, scan_integer(p + 4, &group));
      const bool good =
          p != word + 4 && ends_token(*p) &&
          group <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
      if (!good) return fail(word, Reason::kBadGroup);
      out_.group[row_] = static_cast<std::int64_t>(group);
      return p;
    }
    return fail(word, why_no_entry(word, kHasFields, false));
  }

  // Parses the rest of a line. What changes from entry to entry is kept in registers.
  const char* parse_entries(const char* p) {
    std::int64_t i = entry_;
    std::uint64_t max_id = max_id_;
    std::uint64_t max_field = max_field_;
    float* values = values_;
    const char* next = line_end(p);
    while (next == nullptr) {
      Entry entry;
      const char* const token = p;
      p = scan_entry<kHasFields>(p, end_, &entry);
      if (p == nullptr) [[unlikely]]
        return fail_entry(token, i);
      if (values == nullptr && entry.value != 1.0f) [[unlikely]]
        values = start_values(i);
      if (values != nullptr) values[i] = entry.value;
      indices_[i] = static_cast<std::uint32_t>(entry.id);
      if (kHasFields) fields_[i] = static_cast<std::uint16_t>(entry.field);
      ++i;
      max_id = std::max(max_id, entry.id);
      max_field = std::max(max_field, entry.field);
      if (*p == ' ' && is_digit(p[1])) [[likely]] {  // what nearly always follows an entry
        ++p;
        continue;
      }
      p = skip_blanks(p);
      next = line_end(p);
    }
    entry_ = i;
    max_id_ = max_id;
    max_field_ = max_field;
    return next;
  }

  // In most texts all values are one, and need no memory.
  [[gnu::noinline]] float* start_values(std::int64_t n_ones) {
    out_.values = allocate<float>(n_entries_);
    values_ = out_.values.get();
    std::fill_n(values_, n_ones, 1.0f);
    return values_;
  }

  const char* fail_entry(const char* token, std::int64_t entry) {
    const bool may_be_target = !options_.has_target && entry == out_.indptr[row_];
    return fail(token, why_no_entry(token, kHasFields, may_be_target));
  }

  const char* const end_;
  const Options& options_;
  const std::int64_t n_entries_;
  Parsed& out_;
  std::uint32_t* const indices_;
  std::uint16_t* const fields_;
  float* values_ = nullptr;  // while all are one
  std::int64_t row_ = 0;
  std::int64_t entry_ = 0;
  std::uint64_t max_id_ = 0;
  std::uint64_t max_field_ = 0;
  bool weighted_ = false;
  Reason reason_ = Reason::kNone;
  const char* fault_ = nullptr;
};

struct Counts {
  std::int64_t newlines = 0;
  std::int64_t colons = 0;
};

Counts count(const char* p, const char* end) {
  Counts counts;
  while (p < end) {
    // The counts of a short block fit into small integers, of which a vector register holds many.
    const char* const stop = p + std::min<std::ptrdiff_t>(end - p, 128);
    unsigned char newlines = 0;
    unsigned char colons = 0;
    for (; p < stop; ++p) {
      newlines = static_cast<unsigned char>(newlines + (*p == '\n'));
      colons = static_cast<unsigned char>(colons + (*p == ':'));
    }
    counts.newlines += newlines;
    counts.colons += colons;
  }
  return counts;
}

template <bool kHasFields>
Parsed parse_lines(const char* begin, std::size_t size, const Options& options) {
  const Counts counts = count(begin, begin + size);
  const std::int64_t n_rows = counts.newlines;  // at most
  const std::int64_t n_entries = kHasFields ? counts.colons / 2 : counts.colons;
  Parsed out;
  out.n_lines = counts.newlines;
  out.indptr = allocate<std::int64_t>(n_rows + 1);
  out.indices = allocate<std::uint32_t>(n_entries);
  out.weight = allocate<float>(n_rows);
  if (kHasFields) out.fields = allocate<std::uint16_t>(n_entries);
  if (options.has_target) out.target = allocate<float>(n_rows);
  if (options.has_group) out.group = allocate<std::int64_t>(n_rows);
  Parser<kHasFields> parser(begin + size, options, n_entries, out);
  parser.run(begin);
  if (parser.reason() != Reason::kNone) out.fault = {parser.reason(), parser.fault() - begin};
  return out;
}

// ---- The writer.

template <class T>
void append(std::string& text, T number) {
  std::array<char, 32> digits;
  const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  text.append(digits.data(), result.ptr);
}

}  // namespace

Parsed parse(const char* begin, std::size_t size, const Options& options) {
  if (size != 0 && begin[size - 1] != '\n') {
    Parsed out;
    out.fault = {Reason::kNoFinalNewline, static_cast<std::int64_t>(size)};
    return out;
  }
  return options.has_fields ? parse_lines<true>(begin, size, options)
                            : parse_lines<false>(begin, size, options);
}

std::string format(const Rows& rows, const std::int64_t* group) {
  std::string text;
  for (std::int64_t row = 0; row < rows.n_rows; ++row) {
    const std::size_t line = text.size();
    const auto next_token = [&text, line]() -> std::string& {
      if (text.size() > line) text += ' ';
      return text;
    };
    if (rows.target != nullptr) append(next_token(), rows.target[row]);
    if (rows.weight != nullptr) append(next_token() += "weight:", rows.weight[row]);
    if (group != nullptr) append(next_token() += "qid:", group[row]);
    for (std::int64_t i = rows.indptr[row]; i < rows.indptr[row + 1]; ++i) {
      next_token();
      if (rows.fields != nullptr) {
        append(text, rows.fields[i]);
        text += ':';
      }
      append(text, rows.indices[i]);
      text += ':';
      append(text, rows.values == nullptr ? 1.0f : rows.values[i]);
    }
    text += '\n';
  }
  return text;
}

}  // namespace fieldfare::text
