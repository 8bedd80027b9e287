// The memory limit of training: visit the rows in an order and read and write back the cache lines
// of the table that a training kernel would, with no arithmetic. Everything is asked for ahead of
// its use: the rows' own data many rows, lines of the table some forty entries. How close a kernel
// comes to this says how much of its time is not the memory's.
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

struct Rows {
  const std::int64_t* indptr;
  const std::uint32_t* indices;
  const float* values;          // or null
  const std::uint16_t* fields;  // or null
  const float* target;
  const std::int64_t* order;
};

constexpr std::int64_t rows_to_bounds = 24, rows_to_entries = 16, entries_ahead = 40;

// GCC takes a function that does nothing but ask for lines for one that does nothing.
void keep() { asm volatile(""); }

void fetch_entries(const Rows& rows, std::int64_t row) {
  keep();
  for (std::int64_t p = rows.indptr[row]; p < rows.indptr[row + 1]; p += line_floats) {
    __builtin_prefetch(rows.indices + p);
    if (rows.values != nullptr) __builtin_prefetch(rows.values + p);
    if (rows.fields != nullptr) __builtin_prefetch(rows.fields + p);
  }
}

template <class T>
void read(const T* place) {
  T value = *place;
  asm volatile("" : : "r"(value));  // so that the read is not dropped
}

void replay_span(const Rows& rows, const Table& table, std::int64_t begin, std::int64_t end) {
  // Wide rows go to the second level of the cache, as in the kernels.
  const bool wide = table.used > 64;
  const auto fetch = [&](std::int64_t p) {
    table.lines(rows.indices[p], [&](float* line) {
      wide ? __builtin_prefetch(line, 1, 2) : __builtin_prefetch(line, 1, 3);
      keep();
    });
  };
  const auto touch = [](float* line) {
    volatile float* const place = line;  // so that neither the read nor the write is dropped
    *place = *place;
  };
  if (begin >= end) return;
  const std::int64_t entries = rows.indptr[rows.order[begin] + 1] - rows.indptr[rows.order[begin]];
  const std::int64_t ahead =
      std::max<std::int64_t>(entries_ahead / std::max<std::int64_t>(entries, 1), 1);
  for (std::int64_t i = begin; i < end; ++i) {
    if (i + rows_to_bounds < end) {
      __builtin_prefetch(rows.indptr + rows.order[i + rows_to_bounds]);
      __builtin_prefetch(rows.target + rows.order[i + rows_to_bounds]);
    }
    if (i + rows_to_entries < end) fetch_entries(rows, rows.order[i + rows_to_entries]);
    if (i + ahead < end) {
      const std::int64_t row = rows.order[i + ahead];
      for (std::int64_t p = rows.indptr[row]; p < rows.indptr[row + 1]; ++p) fetch(p);
    }
    const std::int64_t row = rows.order[i];
    for (std::int64_t p = rows.indptr[row]; p < rows.indptr[row + 1]; ++p) {
      if (rows.values != nullptr) read(rows.values + p);
      if (rows.fields != nullptr) read(rows.fields + p);
      table.lines(rows.indices[p], touch);
    }
    read(rows.target + row);
  }
}

}  // namespace

extern "C" void fieldfare_replay(const std::int64_t* indptr, const std::uint32_t* indices,
                                 const float* values, const std::uint16_t* fields,
                                 const float* target, const std::int64_t* order,
                                 std::int64_t n_rows, float* cells, std::int64_t stride,
                                 std::int64_t used, int n_threads) {
  const Rows rows{indptr, indices, values, fields, target, order};
  const Table table{cells, stride, used};
  std::vector<std::thread> others;
  for (int t = 1; t < n_threads; ++t) {
    others.emplace_back(
        [&, t] { replay_span(rows, table, n_rows * t / n_threads, n_rows * (t + 1) / n_threads); });
  }
  replay_span(rows, table, 0, n_rows / std::max(n_threads, 1));
  for (std::thread& other : others) other.join();
}
