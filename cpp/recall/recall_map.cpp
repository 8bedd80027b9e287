// The vectors of one side, and how they follow its parameters.
#include "recall/recall_map.hpp"

#include "isa/isa.hpp"

namespace fieldfare {

namespace {

std::size_t size_of(std::int64_t n) { return static_cast<std::size_t>(n); }

// sum_j x_j^2 a_j over the features of a row.
double sum_squares(const Sparse& rows, std::int64_t i, const std::vector<double>& a) {
  double sum = 0;
  for (std::int64_t e = rows.start[i]; e < rows.start[i + 1]; ++e) {
    sum += static_cast<double>(rows.value[e]) * rows.value[e] * a[rows.index[e]];
  }
  return sum;
}

// sum_i x_i a_i over the rows of a feature.
double sum_column(const Sparse& columns, std::int64_t j, const std::vector<double>& a) {
  double sum = 0;
  for (std::int64_t e = columns.start[j]; e < columns.start[j + 1]; ++e) {
    sum += columns.value[e] * a[columns.index[e]];
  }
  return sum;
}

}  // namespace

double exact_dot(const float* x, const float* y, std::int64_t n) {
  double sum = 0;
  for (std::int64_t d = 0; d < n; ++d) sum += static_cast<double>(x[d]) * y[d];
  return sum;
}

RecallMap::RecallMap(const RecallSide& side, const RecallProblem& problem, const float* parameters,
                     const float* vectors)
    : side_(side),
      problem_(problem),
      stride_(recall_stride(problem.k)),
      theta_(parameters),
      vectors_(vectors),
      inner_(size_of(side.n_features)),
      last_(size_of(side.n_rows)) {}

void RecallMap::find_inner(Member& member, const float* x, const float* y) {
  features(member, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t j = begin; j < end; ++j) {
      inner_[j] = exact_dot(x + j * stride_, y + j * stride_, problem_.k);
    }
  });
  member.meet();
}

void RecallMap::push(Member& member, const float* change, float* out) {
  const std::int64_t k = problem_.k;
  if (side_.items) find_inner(member, theta_, change);
  rows(member, [&](std::int64_t begin, std::int64_t end) {
    isa().combine(view_of(side_.rows), change, out, stride_, begin, end);
    for (std::int64_t i = begin; i < end; ++i) {
      float* row = out + i * stride_;
      if (!side_.items) {
        row[k] = 0;
        continue;
      }
      const double pairs =
          exact_dot(vectors_ + i * stride_, row, k) - sum_squares(side_.rows, i, inner_);
      row[k] += static_cast<float>(pairs);
    }
  });
  member.meet();
}

void RecallMap::pull(Member& member, float* vectors, const float* base, float* out) {
  const std::int64_t k = problem_.k;
  if (side_.items) {
    rows(member, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        float* row = vectors + i * stride_;
        const float* own = vectors_ + i * stride_;
        last_[i] = row[k];
        for (std::int64_t d = 0; d < k; ++d) row[d] += row[k] * own[d];
      }
    });
  }
  member.meet();
  features(member, [&](std::int64_t begin, std::int64_t end) {
    isa().combine(view_of(side_.columns), vectors, out, stride_, begin, end);
    for (std::int64_t j = begin; j < end; ++j) {
      float* row = out + j * stride_;
      const float* own = theta_ + j * stride_;
      const auto pairs =
          static_cast<float>(side_.items ? sum_column(side_.squares, j, last_) : 0.0);
      for (std::int64_t d = 0; d < stride_; ++d) {
        if (!is_free(j, d)) {
          row[d] = 0;
          continue;
        }
        if (d < k) row[d] -= pairs * own[d];
        row[d] += problem_.penalty[j] * base[j * stride_ + d];
      }
    }
  });
  member.meet();
}

void RecallMap::start_bending(Member& member, const float* change) {
  if (side_.items) find_inner(member, change, change);
}

double RecallMap::bend(std::int64_t i, const float* moved) const {
  if (!side_.items) return 0;
  return (exact_dot(moved, moved, problem_.k) - sum_squares(side_.rows, i, inner_)) / 2;
}

void transpose(RecallSide& side) {
  side.columns = transposed(side.rows, side.n_features);
  side.squares = side.columns;
  for (float& value : side.squares.value) value *= value;
}

void recall_vectors(const RecallSide& side, const float* parameters, std::int64_t k, float* out,
                    std::int64_t n_threads) {
  const std::int64_t stride = recall_stride(k);
  std::vector<double> norms(size_of(side.items ? side.n_features : 0));
  for (std::int64_t j = 0; j < std::ssize(norms); ++j) {
    norms[j] = exact_dot(parameters + j * stride, parameters + j * stride, k);
  }
  run_team(n_threads, [&](Member& member) {
    member.share(side.n_rows, [&](std::int64_t begin, std::int64_t end) {
      isa().combine(view_of(side.rows), parameters, out, stride, begin, end);
      for (std::int64_t i = begin; i < end; ++i) {
        float* row = out + i * stride;
        if (!side.items) {
          row[k] = 1;
          continue;
        }
        row[k] +=
            static_cast<float>((exact_dot(row, row, k) - sum_squares(side.rows, i, norms)) / 2);
      }
    });
  });
}

}  // namespace fieldfare
