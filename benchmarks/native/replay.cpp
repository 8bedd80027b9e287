// The memory limit of training: visit the rows in an order and read and write back the cache lines
// of the table that a training kernel would, prefetching one row ahead as it does, with no
// arithmetic. How close a kernel comes to this says how much of its time is not the memory's.
#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

constexpr std::int64_t line_floats = 16;

struct Table {
  float* cells;
  std::int64_t stride;  // floats from one feature to the next
  std::int64_t used;    // floats of a row that mean something

  // Calls `visit` with one address in each cache line of a feature's row.
  template <class Visit>
  void lines(std::uint32_t feature, Visit visit) const {
    float* const begin = cells + static_cast<std::int64_t>(feature) * stride;
    float* const end = begin + used;
    visit(begin);
    const auto place = reinterpret_cast<std::uintptr_t>(begin) / sizeof(float);
    const auto past = static_cast<std::int64_t>(place % line_floats);
    for (float* next = begin + (line_floats - past); next < end; next += line_floats) visit(next);
  }
};

struct Visits {
  const std::int64_t* indptr;
  const std::uint32_t* indices;
  const std::int64_t* order;
};

void replay_span(const Visits& visits, const Table& table, std::int64_t begin, std::int64_t end) {
  const auto fetch = [](float* line) { __builtin_prefetch(line, 1, 3); };
  const auto touch = [](float* line) {
    float value = *line;
    asm volatile("" : "+r"(value));  // so that neither the read nor the write is dropped
    *line = value;
  };
  const auto each = [&](std::int64_t row, auto visit) {
    for (std::int64_t p = visits.indptr[row]; p < visits.indptr[row + 1]; ++p) {
      table.lines(visits.indices[p], visit);
    }
  };
  if (begin < end) each(visits.order[begin], fetch);
  for (std::int64_t i = begin; i < end; ++i) {
    if (i + 1 < end) each(visits.order[i + 1], fetch);
    each(visits.order[i], touch);
  }
}

}  // namespace

extern "C" void fieldfare_replay(const std::int64_t* indptr, const std::uint32_t* indices,
                                 const std::int64_t* order, std::int64_t n_rows, float* cells,
                                 std::int64_t stride, std::int64_t used, int n_threads) {
  const Visits visits{indptr, indices, order};
  const Table table{cells, stride, used};
  std::vector<std::thread> others;
  for (int t = 1; t < n_threads; ++t) {
    others.emplace_back(
        [&, t] { replay_span(visits, table, n_rows * t / n_threads, n_rows * (t + 1) / n_threads); });
  }
  replay_span(visits, table, 0, n_rows / std::max(n_threads, 1));
  for (std::thread& other : others) other.join();
}
