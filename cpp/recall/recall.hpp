// Factorization machines learned from all pairs of queries and items, observed or not, without
// sampling. The score of a pair is an inner product <P_u, Q_i>: for a row with features x, factors
// v and weights w, and with p = sum_j x_j v_j,
//
//   a query is P = [p, 1],
//   an item is Q = [p, s],  s = sum_j w_j x_j + (|p|^2 - sum_j x_j^2 |v_j|^2) / 2,
//
// so that the sum over all pairs of w (score)^2 is w sum_i <Q_i, G Q_i> with G = sum_u P_u P_u^T
// (Bayer et al. 2017, "k-separable"). What is the same for all items of a query is left out: it
// does not change their order.
//
// One side is solved for at a time, by Gauss-Newton. The score is linear in its parameters except
// for the interactions within an item. The linearised problem is solved by a few steps of conjugate
// gradients, whose products cost O(entries k + rows k^2); then the step is taken to the exact
// minimum along its direction.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "common/sparse.hpp"

namespace fieldfare {

struct SparseView {
  const std::int64_t* start = nullptr;
  const std::uint32_t* index = nullptr;
  const float* value = nullptr;
};

// A product of every row's weighted sum of partners' outer products with its vector:
//   out_i = w_i G in_i + sum_{u seen with i} ((c_u - w_i s_u) <P_u, in_i> - c_u t) P_u
// with w_i = unobserved s_i and the shares s of row and partner; t is 1 for the gradient, and 0 for
// products with the matrix alone.
struct WeighJob {
  SparseView seen;
  const float* partners = nullptr;       // [n_partners, stride]
  const float* gram = nullptr;           // [width, stride]: sum of s_u P_u P_u^T; null: left out
  const float* share = nullptr;          // [n_rows]
  const float* partner_share = nullptr;  // [n_partners]
  std::int64_t width = 0, stride = 0;
  float unobserved = 0, target = 0;
  const float* in = nullptr;   // [n_rows, stride]
  float* out = nullptr;        // [n_rows, stride]
  float* diagonal = nullptr;   // [n_rows, stride]: of the matrix of each row, or null
  double* observed = nullptr;  // [n_rows]: sum of c <P_u, in_i>, or null
};

inline SparseView view_of(const Sparse& matrix) {
  return {matrix.start.data(), matrix.index.data(), matrix.value.data()};
}

// The queries or the items: their features and their observed partners. Features are numbered from
// 0 within the side.
struct RecallSide {
  std::int64_t n_rows = 0, n_features = 0, n_partners = 0;
  bool items = false;
  Sparse rows;     // features of each row
  Sparse columns;  // rows of each feature
  Sparse squares;  // the same, with squared values
  Sparse seen;     // partners of each row, with the weight of the pair
  // A pair that was not observed weighs `unobserved` times the shares of both.
  std::vector<float> share, partner_share;
};

// Computes what depends on the rows.
void transpose(RecallSide& side);

// Floats from one row of vectors to the next: factors, then one more, then zeros.
inline std::int64_t recall_stride(std::int64_t k) { return (k + 8) / 8 * 8; }

struct RecallProblem {
  const float* partners = nullptr;  // [n_partners, stride]
  std::int64_t k = 0;
  float unobserved = 0;            // weight of the pairs that were not observed, times their shares
  const float* penalty = nullptr;  // [n_features]
  std::int64_t first_free = 0;     // features before it are not changed
  bool linear = true;              // whether weights are learned; only items have any
  std::int64_t steps = 4;          // of conjugate gradients
};

// P or Q of every row, [n_rows, stride], from parameters [n_features, stride].
void recall_vectors(const RecallSide& side, const float* parameters, std::int64_t k, float* out,
                    std::int64_t n_threads);

struct RecallOutcome {
  bool complete = false;
  double loss = 0;  // sum over all pairs of weight * (score - target)^2, after the step
};

// One Gauss-Newton step. `vectors` holds the result of recall_vectors, and is kept up to date.
// `go_on` is asked now and then; once it says no, nothing has changed. The result does not depend
// on the number of threads.
RecallOutcome solve_side(const RecallSide& side, const RecallProblem& problem, float* parameters,
                         float* vectors, std::int64_t n_threads,
                         const std::function<bool()>& go_on);

}  // namespace fieldfare
