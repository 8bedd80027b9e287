#include "fieldfare/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <exception>
#include <limits>
#include <thread>
#include <vector>

#include "fieldfare/scan.hpp"

namespace fieldfare::text {
namespace {

// ---- The parser of one part of the text.

// Aligned so that the counters of two threads never share a cache line.
template <bool kHasFields>
class alignas(128) PartParser {
 public:
  PartParser(const Options& options, Parsed& out, std::int64_t row, std::int64_t entry)
      : options_(options),
        out_(out),
        first_row_(row),
        first_entry_(entry),
        row_(row),
        entry_(entry) {}

  void run(const char* p, const char* end) noexcept {
    while (p < end) {
      p = skip_blanks(p);
      const char* const next = line_end(p);
      p = next != nullptr ? next : parse_row(p);
      if (p == nullptr) return;
    }
  }

  Reason reason() const { return reason_; }
  const char* fault() const { return fault_; }
  std::int64_t first_row() const { return first_row_; }
  std::int64_t first_entry() const { return first_entry_; }
  std::int64_t n_rows() const { return row_ - first_row_; }
  std::int64_t n_entries() const { return entry_ - first_entry_; }
  bool all_ones() const { return all_ones_; }
  bool weighted() const { return weighted_; }

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
    const char* next = line_end(p);
    while (next == nullptr) {
      p = parse_entry(p);
      if (p == nullptr) return nullptr;
      p = skip_blanks(p);
      next = line_end(p);
    }
    ++row_;
    return next;
  }

  // "qid:3" or "weight:0.5".
  const char* parse_word(const char* p) {
    const char* const word = p;
    // A prefix never runs past the text: the newline that ends it matches no letter.
    if (std::strncmp(p, "weight:", 7) == 0) {
      float& weight = out_.weight[row_];
      p = scan_number(p + 7, &weight);
      return p != nullptr && weight >= 0 ? p : fail(word, Reason::kBadWeight);
    }
    if (std::strncmp(p, "qid:", 4) == 0) {
      if (!options_.has_group) return fail(word, Reason::kUnexpectedGroup);
      std::uint64_t group = 0;
      p = scan_integer(p + 4, &group);
      const bool good =
          p != word + 4 && ends_token(*p) &&
          group <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
      if (!good) return fail(word, Reason::kBadGroup);
      out_.group[row_] = static_cast<std::int64_t>(group);
      return p;
    }
    return fail(word, why_no_entry(word, kHasFields, false));
  }

  const char* parse_entry(const char* p) {
    const char* const token = p;
    std::uint64_t field = 0;
    std::uint64_t id = 0;
    if (kHasFields) {
      p = scan_integer(p, &field);
      if (p == token || *p != ':' || field > kMaxField) [[unlikely]]
        return fail_entry(token);
      ++p;
    }
    const char* const id_begin = p;
    p = scan_integer(p, &id);
    if (p == id_begin || *p != ':' || id > kMaxId) [[unlikely]]
      return fail_entry(token);
    ++p;
    float value = 1.0f;
    if (*p == '1' && ends_token(p[1])) {
      ++p;
    } else {
      p = scan_number(p, &value);
      if (p == nullptr) [[unlikely]]
        return fail_entry(token);
      all_ones_ &= value == 1.0f;
    }
    out_.indices[entry_] = static_cast<std::uint32_t>(id);
    out_.values[entry_] = value;
    if (kHasFields) out_.fields[entry_] = static_cast<std::uint16_t>(field);
    ++entry_;
    return p;
  }

  const char* fail_entry(const char* token) {
    const bool may_be_target = !options_.has_target && entry_ == out_.indptr[row_];
    return fail(token, why_no_entry(token, kHasFields, may_be_target));
  }

  const Options& options_;
  Parsed& out_;
  std::int64_t first_row_;
  std::int64_t first_entry_;
  std::int64_t row_;
  std::int64_t entry_;
  bool all_ones_ = true;
  bool weighted_ = false;
  Reason reason_ = Reason::kNone;
  const char* fault_ = nullptr;
};

// ---- Threads.

// Calls work(0) to work(n - 1), each on its own thread if there are threads to be had.
template <class Work>
void for_each_part(std::size_t n, const Work& work) {
  std::vector<std::thread> threads;
  threads.reserve(n);
  for (std::size_t part = 1; part < n; ++part) {
    try {
      threads.emplace_back([&work, part] { work(part); });
    } catch (const std::exception&) {
      work(part);
    }
  }
  work(0);
  for (std::thread& thread : threads) thread.join();
}

// Cuts after newlines into n parts, some of which may be empty.
std::vector<const char*> cut_at_newlines(const char* begin, std::size_t size, std::size_t n) {
  std::vector<const char*> cuts(n + 1, begin + size);
  cuts[0] = begin;
  for (std::size_t part = 1; part < n; ++part) {
    const char* const from = std::max(cuts[part - 1], begin + size / n * part);
    if (from == begin + size) break;
    const void* const newline =
        std::memchr(from, '\n', static_cast<std::size_t>(begin + size - from));
    cuts[part] = static_cast<const char*>(newline) + 1;  // there is one: the text ends in it
  }
  return cuts;
}

struct Counts {
  std::int64_t newlines = 0;
  std::int64_t colons = 0;
};

Counts count(const char* p, const char* end) {
  Counts counts;
  while (p < end) {
    // Sums of a short block fit small integers, of which a vector register holds many.
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

template <class T>
Array<T> allocate(std::int64_t size) {
  return Array<T>(new T[static_cast<std::size_t>(size)]);  // not zeroed: every byte is written
}

template <class T>
void slide(const Array<T>& array, std::int64_t from, std::int64_t to, std::int64_t n) {
  if (array == nullptr || from == to || n == 0) return;
  std::memmove(&array[to], &array[from], static_cast<std::size_t>(n) * sizeof(T));
}

// Closes the gaps that parts leave when they hold fewer rows or entries than newlines and colons.
template <class Parser>
void join(Parsed& out, const std::vector<Parser>& parts) {
  bool all_ones = true;
  bool weighted = false;
  for (const Parser& part : parts) {
    const std::int64_t row = part.first_row();
    const std::int64_t shift = part.first_entry() - out.n_entries;
    if (shift != 0) {
      for (std::int64_t i = 0; i < part.n_rows(); ++i) out.indptr[row + i] -= shift;
    }
    slide(out.indptr, row, out.n_rows, part.n_rows());
    slide(out.target, row, out.n_rows, part.n_rows());
    slide(out.weight, row, out.n_rows, part.n_rows());
    slide(out.group, row, out.n_rows, part.n_rows());
    slide(out.indices, part.first_entry(), out.n_entries, part.n_entries());
    slide(out.values, part.first_entry(), out.n_entries, part.n_entries());
    slide(out.fields, part.first_entry(), out.n_entries, part.n_entries());
    out.n_rows += part.n_rows();
    out.n_entries += part.n_entries();
    all_ones &= part.all_ones();
    weighted |= part.weighted();
  }
  out.indptr[out.n_rows] = out.n_entries;
  if (all_ones) out.values.reset();
  if (!weighted) out.weight.reset();
}

template <bool kHasFields>
Parsed parse_parts(const char* begin, std::size_t size, const Options& options) {
  const std::size_t n = static_cast<std::size_t>(std::clamp(options.n_threads, 1, 1024));
  const std::vector<const char*> cuts = cut_at_newlines(begin, size, n);
  std::vector<Counts> counts(n);
  for_each_part(n, [&](std::size_t i) { counts[i] = count(cuts[i], cuts[i + 1]); });

  Parsed out;
  std::vector<PartParser<kHasFields>> parts;
  parts.reserve(n);
  Counts total;
  for (const Counts& part : counts) {
    parts.emplace_back(options, out, total.newlines, total.colons);
    total.newlines += part.newlines;
    total.colons += kHasFields ? part.colons / 2 : part.colons;
  }
  out.n_lines = total.newlines;
  out.indptr = allocate<std::int64_t>(total.newlines + 1);
  out.indices = allocate<std::uint32_t>(total.colons);
  out.values = allocate<float>(total.colons);
  out.weight = allocate<float>(total.newlines);
  if (kHasFields) out.fields = allocate<std::uint16_t>(total.colons);
  if (options.has_target) out.target = allocate<float>(total.newlines);
  if (options.has_group) out.group = allocate<std::int64_t>(total.newlines);

  for_each_part(n, [&](std::size_t i) { parts[i].run(cuts[i], cuts[i + 1]); });
  for (const auto& part : parts) {
    if (part.reason() == Reason::kNone) continue;
    out.fault = {part.reason(), part.fault() - begin};
    return out;
  }
  join(out, parts);
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
  return options.has_fields ? parse_parts<true>(begin, size, options)
                            : parse_parts<false>(begin, size, options);
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
