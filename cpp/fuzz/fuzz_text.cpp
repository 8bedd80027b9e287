// Fuzz target of the text reader: no bytes may crash it.
//
// It brings its own mutations, for compilers without libFuzzer; built with -DFIELDFARE_LIBFUZZER
// and clang's -fsanitize=fuzzer it leaves them to that. The arguments are seconds and a seed.
//
// The first byte of an input chooses the options, the rest is text.
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "text/text.hpp"

namespace {

using fieldfare::text::Array;
using fieldfare::text::Options;
using fieldfare::text::Parsed;
using fieldfare::text::Reason;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

template <class T>
bool same(const Array<T>& a, const Array<T>& b, std::int64_t n) {
  if ((a == nullptr) != (b == nullptr)) return false;
  return a == nullptr || n == 0 ||
         std::memcmp(a.get(), b.get(), static_cast<std::size_t>(n) * sizeof(T)) == 0;
}

void check_same(const Parsed& a, const Parsed& b, const char* what) {
  require(a.fault.reason == b.fault.reason && a.fault.offset == b.fault.offset, what);
  if (a.fault.reason != Reason::kNone) return;
  require(a.n_rows == b.n_rows && a.n_entries == b.n_entries, what);
  require(same(a.indptr, b.indptr, a.n_rows + 1) && same(a.indices, b.indices, a.n_entries), what);
  require(same(a.values, b.values, a.n_entries) && same(a.fields, b.fields, a.n_entries), what);
  require(same(a.target, b.target, a.n_rows) && same(a.weight, b.weight, a.n_rows), what);
  require(same(a.group, b.group, a.n_rows), what);
}

void check_rows(const Parsed& rows, std::size_t size) {
  require(rows.n_rows <= rows.n_lines && rows.n_entries <= static_cast<std::int64_t>(size),
          "counts");
  require(rows.indptr[0] == 0 && rows.indptr[rows.n_rows] == rows.n_entries, "span of indptr");
  for (std::int64_t i = 0; i < rows.n_rows; ++i) {
    require(rows.indptr[i] <= rows.indptr[i + 1], "indptr never decreases");
    require(rows.target == nullptr || std::isfinite(rows.target[i]), "finite targets");
    require(rows.weight == nullptr || (std::isfinite(rows.weight[i]) && rows.weight[i] >= 0),
            "weights");
    require(rows.group == nullptr || rows.group[i] >= 0, "groups");
  }
  for (std::int64_t i = 0; i < rows.n_entries; ++i) {
    require(rows.indices[i] <= fieldfare::text::kMaxId, "ids");
    require(rows.values == nullptr || std::isfinite(rows.values[i]), "finite values");
    require(rows.fields == nullptr || rows.fields[i] <= fieldfare::text::kMaxField, "fields");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Options options{(data[0] & 1) != 0, (data[0] & 2) != 0, (data[0] & 4) != 0};
  // Exactly as long as the text, so that the sanitizer sees a step beyond it.
  std::vector<char> text(data + 1, data + size);
  if ((data[0] & 8) == 0) text.push_back('\n');
  const Parsed rows = fieldfare::text::parse(text.data(), text.size(), options);
  if (rows.fault.reason != Reason::kNone) {
    require(rows.fault.offset >= 0 && rows.fault.offset <= static_cast<std::int64_t>(text.size()),
            "offset");
    return 0;
  }
  check_rows(rows, text.size());

  const std::string written = fieldfare::text::format(
      {rows.n_rows, rows.n_entries, rows.indptr.get(), rows.indices.get(), rows.values.get(),
       rows.fields.get(), rows.target.get(), rows.weight.get()},
      rows.group.get());
  const Parsed again = fieldfare::text::parse(written.data(), written.size(), options);
  // A row without target and features leaves a blank line, which is no row.
  if (options.has_target || options.has_group) check_same(rows, again, "written and read again");
  return 0;
}

#ifndef FIELDFARE_LIBFUZZER
namespace {

const std::vector<std::string> kSeeds = {"1 0:1:1 1:7:0.5\n-1 0:2:1 # seen\n",
                                         "+1 1:1 2:-0.25 3:1e-3\n0\n",
                                         "1 qid:3 1:2\r\n2 qid:4\n",
                                         "0.5 weight:2 4294967294:1\n",
                                         "1 weight:0 qid:9 65534:1:3.4e38\n",
                                         "0:1:1\n\n",
                                         "1 1:nan\n1 1:inf\n",
                                         "1 1:0.1000000000000000055511151231257827\n",
                                         "1 1:1e-46 2:1e39 3:.5 4:5. 5:e\n",
                                         "label a:b\n"};
const std::string kAlphabet = "0123456789:::  \t\n\n\r#.+-eEnaifqdwght,x";

std::string mutate(std::string text, std::mt19937_64& random) {
  const auto below = [&random](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (std::size_t n = 1 + below(6); n > 0; --n) {
    const std::size_t at = below(text.size() + 1);
    switch (below(6)) {
      case 0:
        text.insert(at, 1, kAlphabet[below(kAlphabet.size())]);
        break;
      case 1:
        if (at < text.size()) text[at] = kAlphabet[below(kAlphabet.size())];
        break;
      case 2:
        if (at < text.size()) text[at] = static_cast<char>(below(256));
        break;
      case 3:
        text.erase(at, below(8));
        break;
      case 4:
        text.insert(at, kSeeds[below(kSeeds.size())]);
        break;
      default:
        text.insert(at, below(64), kAlphabet[below(kAlphabet.size())]);
    }
  }
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  const std::chrono::seconds budget(argc > 1 ? std::atoi(argv[1]) : 10);
  const auto stop = std::chrono::steady_clock::now() + budget;
  std::mt19937_64 random(argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1);
  std::vector<std::string> corpus = kSeeds;
  std::uint64_t n_runs = 0;
  for (; std::chrono::steady_clock::now() < stop; ++n_runs) {
    std::string text = mutate(corpus[random() % corpus.size()], random);
    if (text.size() > 2000) text.resize(2000);
    const std::string input = static_cast<char>(random() % 16) + text;
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
    if (corpus.size() < 200) {
      corpus.push_back(text);
    } else {
      corpus[kSeeds.size() + random() % (corpus.size() - kSeeds.size())] = text;
    }
  }
  std::printf("%llu inputs, no fault\n", static_cast<unsigned long long>(n_runs));
  return 0;
}
#endif
