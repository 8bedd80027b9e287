#include "retrieval/sides.hpp"

#include <algorithm>
#include <vector>

#include "common/team.hpp"

namespace fieldfare {

namespace {

bool is_wanted(const Sides& job, std::int64_t e) {
  const std::int64_t feature = job.rows.indices[e];
  const std::int64_t key = job.by_field ? job.rows.fields[e] : feature;
  return feature < job.n_features && key < job.n_keys && job.side_of[key] == job.wanted;
}

void sum_row(const Sides& job, std::int64_t row, double* total) {
  std::fill_n(total, job.k, 0.0);
  double linear = 0, squares = 0;
  for (std::int64_t e = job.rows.indptr[row]; e < job.rows.indptr[row + 1]; ++e) {
    if (!is_wanted(job, e)) continue;
    const std::int64_t feature = job.rows.indices[e];
    const double x = job.rows.values == nullptr ? 1 : job.rows.values[e];
    linear += x * job.linear[feature];
    const float* factors = job.factors + feature * job.k;
    for (std::int64_t f = 0; f < job.k; ++f) {
      const double v = x * factors[f];
      total[f] += v;
      squares += v * v;
    }
  }
  double square = 0;
  for (std::int64_t f = 0; f < job.k; ++f) square += total[f] * total[f];
  job.own[row] = linear + (square - squares) / 2;  // Rendle 2010, lemma 3.1
}

}  // namespace

template <class T>
void sum_sides(const Sides& job, T* cross, std::int64_t n_threads) {
  run_team(n_threads, [&](Member& member) {
    std::vector<double> total(static_cast<std::size_t>(job.k));
    member.share(job.rows.n_rows, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        sum_row(job, row, total.data());
        T* out = cross + row * job.stride;
        for (std::int64_t f = 0; f < job.k; ++f) out[f] = static_cast<T>(total[f]);
      }
    });
  });
}

template void sum_sides(const Sides& job, float* cross, std::int64_t n_threads);
template void sum_sides(const Sides& job, double* cross, std::int64_t n_threads);

}  // namespace fieldfare
