// Staging: a sample is checked, scaled and located in the table some samples before it is used. All
// later steps read only through the pointers found here.
#pragma once

#include <cmath>
#include <type_traits>

#include "gradient/job.hpp"
#include "isa/simd.hpp"

namespace fieldfare::FIELDFARE_ISA {

// Prefetches the rows of the table that a later sample needs, one at a time: between the
// computations for the present sample the requests cost nothing, while all at once they would wait
// for each other.
struct Fetch {
  float* const* rows = nullptr;
  std::int64_t n = 0;
  std::int64_t floats = 0;

  // Wide rows go to the second level of the cache: in the first they would drive out the sums.
  FIELDFARE_INLINE void operator()(std::int64_t i) const {
    if (i >= n) return;
    if (floats <= 64) {
      for (std::int64_t d = 0; d < floats; d += 16) __builtin_prefetch(rows[i] + d, 1, 3);
    } else {
      for (std::int64_t d = 0; d < floats; d += 16) __builtin_prefetch(rows[i] + d, 1, 2);
    }
  }

  // The same for i to i + 3.
  FIELDFARE_INLINE void four(std::int64_t i) const {
    if (i + 4 <= n && floats <= 16) {
      for (int e = 0; e < 4; ++e) __builtin_prefetch(rows[i + e], 1, 3);
    } else {
      for (int e = 0; e < 4; ++e) (*this)(i + e);
    }
  }
};

// The same line by line, for wide rows, since only few requests can be in flight at once.
class LineFetch {
 public:
  LineFetch() = default;
  FIELDFARE_INLINE explicit LineFetch(const Fetch& fetch) : fetch_(fetch) {}

  FIELDFARE_INLINE void operator()() {
    if (row_ >= fetch_.n) return;
    __builtin_prefetch(fetch_.rows[row_] + offset_, 1, 2);
    offset_ += 16;
    if (offset_ < fetch_.floats) return;
    offset_ = 0;
    ++row_;
  }

  FIELDFARE_INLINE void rest() {
    while (row_ < fetch_.n) (*this)();
  }

 private:
  Fetch fetch_;
  std::int64_t row_ = 0, offset_ = 0;
};

// A sample with valid pointers only. The last group of four entries is completed with padding rows.
struct Staged {
  std::int64_t n = 0;
  float* const* rows = nullptr;           // [whole_fours(n)]: each feature's row of the table
  const float* x = nullptr;               // [whole_fours(n)]
  const std::uint32_t* ids = nullptr;     // [n]
  const std::uint16_t* fields = nullptr;  // [n], kinds that use fields only
  bool same = false;                      // whether all x are equal
};

// Calls learn.operator()<Full>(rows, x) for the entries in groups of four whose rows differ; where
// there are fewer (Full is false), the others are padding rows and their x is zero.
template <class Learn>
FIELDFARE_INLINE void in_fours(const Staged& sample, float* const* padding_rows, const Fetch& fetch,
                               Learn&& learn) {
  for (std::int64_t i = 0; i < sample.n; i += 4) {
    fetch.four(i);
    float* const* rows = sample.rows + i;
    const float* x = sample.x + i;
    if (distinct(rows)) {
      learn.template operator()<true>(rows, x);
      continue;
    }
    for (int e = 0; e < 4; ++e) {
      float* one[4] = {rows[e], padding_rows[1], padding_rows[2], padding_rows[3]};
      const float value[4] = {x[e], 0, 0, 0};
      learn.template operator()<false>(one, value);
    }
  }
}

FIELDFARE_INLINE bool row_in_bounds(const Rows& rows, std::int64_t row) {
  if (row < 0 || row >= rows.n_rows) return false;
  const std::int64_t begin = rows.indptr[row], end = rows.indptr[row + 1];
  return begin >= 0 && begin <= end && end <= rows.n_entries;
}

// Prefetches n values, which may begin and end inside a line.
template <class T>
FIELDFARE_INLINE void fetch_lines(const T* values, std::int64_t n) {
  constexpr std::int64_t a_line = 64 / sizeof(T);
  for (std::int64_t i = 0; i < n; i += a_line) __builtin_prefetch(values + i);
  __builtin_prefetch(values + n - 1);
}

template <class Model>
class Stage {
 public:
  FIELDFARE_INLINE explicit Stage(const TrainJob& job)
      : job_(job),
        rows_(*job.rows),
        stride_(job.layout->stride),
        places_(job.end * rows_per_step(*job.spec)) {}

  // Places the sample of a row in a slot of the workspace; false if the row must be refused.
  FIELDFARE_INLINE bool fill(std::int64_t row, std::int64_t slot) {
    if (!row_in_bounds(rows_, row) || !target_in_bounds(row)) return false;
    const std::int64_t begin = rows_.indptr[row], n = rows_.indptr[row + 1] - begin;
    const std::uint32_t* ids = rows_.indices + begin;
    if (n > job_.longest || !ids_in_bounds(ids, n)) return false;
    if (Model::uses_fields && !fields_in_bounds(rows_.fields + begin, n)) return false;
    scale(begin, n, job_.work.x + slot * job_.longest);
    locate(ids, n, job_.work.rows + slot * job_.longest);
    return true;
  }

  FIELDFARE_INLINE Staged at(std::int64_t row, std::int64_t slot) const {
    const std::int64_t begin = rows_.indptr[row];
    Staged sample;
    sample.n = rows_.indptr[row + 1] - begin;
    sample.rows = job_.work.rows + slot * job_.longest;
    sample.x = job_.work.x + slot * job_.longest;
    sample.ids = rows_.indices + begin;
    if (Model::uses_fields) sample.fields = rows_.fields + begin;
    sample.same = rows_.values == nullptr;
    return sample;
  }

  // A sample with few fields reads few of the blocks of an FFM row; fetching all would cost more.
  FIELDFARE_INLINE Fetch fetch_of(const Staged& sample) const {
    if (Model::has_vector_per_field && 2 * sample.n < job_.spec->n_fields) return {};
    return {sample.rows, sample.n, job_.layout->used};
  }

  // Prefetches what `fill` will read of rows far ahead, which no hardware can predict in a shuffled
  // order.
  FIELDFARE_INLINE void fetch(std::int64_t at) const {
    if (at + 8 < places_) {
      const std::int64_t row = job_.order[at + 8];
      if (row >= 0 && row < rows_.n_rows) {
        __builtin_prefetch(rows_.indptr + row);
        if (rows_.target != nullptr) __builtin_prefetch(rows_.target + row);
      }
    }
    if (at >= places_ || !row_in_bounds(rows_, job_.order[at])) return;
    const std::int64_t begin = rows_.indptr[job_.order[at]];
    const std::int64_t end = rows_.indptr[job_.order[at] + 1];
    if (begin == end) return;
    fetch_lines(rows_.indices + begin, end - begin);
    if (rows_.values != nullptr) fetch_lines(rows_.values + begin, end - begin);
    if (Model::uses_fields) fetch_lines(rows_.fields + begin, end - begin);
  }

 private:
  FIELDFARE_INLINE bool target_in_bounds(std::int64_t row) const {
    const Spec& spec = *job_.spec;
    if (rows_.target == nullptr) return true;  // pairs need none
    const float y = rows_.target[row];
    if (spec.loss == Loss::softmax && !(y >= 0 && y < static_cast<float>(spec.n_outputs))) {
      return false;
    }
    return job_.class_weight == nullptr || (y >= 0 && y < static_cast<float>(job_.n_classes));
  }

  FIELDFARE_INLINE bool ids_in_bounds(const std::uint32_t* ids, std::int64_t n) const {
    return n == 0 || static_cast<std::int64_t>(largest(ids, n)) < job_.n_features;
  }

  FIELDFARE_INLINE bool fields_in_bounds(const std::uint16_t* fields, std::int64_t n) const {
    std::uint16_t largest = 0;
    for (std::int64_t i = 0; i < n; ++i) largest = fields[i] > largest ? fields[i] : largest;
    return n == 0 || largest < job_.spec->n_fields;
  }

  FIELDFARE_INLINE void scale(std::int64_t begin, std::int64_t n, float* x) const {
    const float* values = rows_.values == nullptr ? nullptr : rows_.values + begin;
    float factor = 1;
    if (job_.spec->instance_norm) {
      float squares = values == nullptr ? static_cast<float>(n) : 0.0F;
      for (std::int64_t i = 0; values != nullptr && i < n; ++i) squares += values[i] * values[i];
      factor = squares > 0 ? 1.0F / std::sqrt(squares) : 0.0F;
    }
    if (values == nullptr) {
      for (std::int64_t i = 0; i < whole_fours(n); ++i) x[i] = factor;
    } else {
      for (std::int64_t i = 0; i < n; ++i) x[i] = factor * values[i];
      for (std::int64_t i = n; i < whole_fours(n); ++i) x[i] = 0;
    }
  }

  // A frequent feature's row may be private to the thread: see HotRows.
  FIELDFARE_INLINE void locate(const std::uint32_t* ids, std::int64_t n, float** where) const {
    rows_at(job_.table, job_.hot, stride_, ids, n, where);
    for (std::int64_t i = n; i < whole_fours(n); ++i) where[i] = job_.work.padding_rows[i % 4];
  }

  const TrainJob& job_;
  const Rows& rows_;
  std::int64_t stride_, places_;  // places in the order
};

}  // namespace fieldfare::FIELDFARE_ISA
