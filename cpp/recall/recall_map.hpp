// One side of recall as a map: the effect of a change of its parameters on the vectors of its rows,
// at first order (J), the transpose of that, and the remainder at second order.
#pragma once

#include <cstdint>
#include <vector>

#include "common/team.hpp"
#include "recall/recall.hpp"

namespace fieldfare {

// The inner product in double precision.
double exact_dot(const float* x, const float* y, std::int64_t n);

// This member's share of n rows of unequal cost; cost(i) is that of the rows before i.
template <class Cost, class Work>
void share_by_cost(const Member& member, std::int64_t n, const Cost& cost, const Work& work) {
  const auto first_with = [&](std::int64_t wanted) {
    std::int64_t low = 0, high = n;
    while (low < high) {
      const std::int64_t middle = (low + high) / 2;
      if (cost(middle) < wanted) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  };
  member.share(cost(n), [&](std::int64_t from, std::int64_t to) {
    const std::int64_t begin = first_with(from), end = to == cost(n) ? n : first_with(to);
    if (begin < end) work(begin, end);
  });
}

// `push`, `pull` and `start_bending` are called by all members together; what they write is
// complete when they return.
class RecallMap {
 public:
  RecallMap(const RecallSide& side, const RecallProblem& problem, const float* parameters,
            const float* vectors);

  // The rows, or the features, of which this member computes the numbers.
  template <class Work>
  void rows(const Member& member, const Work& work) const {
    constexpr std::int64_t cost_of_row = 64;  // beside its entries
    const auto cost = [&](std::int64_t i) {
      return side_.seen.start[i] + side_.rows.start[i] + cost_of_row * i;
    };
    share_by_cost(member, side_.n_rows, cost, work);
  }
  template <class Work>
  void features(const Member& member, const Work& work) const {
    const auto cost = [&](std::int64_t j) { return side_.columns.start[j] + j; };
    share_by_cost(member, side_.n_features, cost, work);
  }

  // out = J change
  void push(Member& member, const float* change, float* out);
  // out = J^T rows + penalty * base, for the parameters that are free; `rows` is overwritten.
  void pull(Member& member, float* rows, const float* base, float* out);

  // Prepares `bend` along a change.
  void start_bending(Member& member, const float* change);
  // Second-order change of the last number of row i, where `moved` is the first-order one.
  double bend(std::int64_t i, const float* moved) const;

 private:
  bool is_free(std::int64_t j, std::int64_t d) const {
    if (j < problem_.first_free || d > problem_.k) return false;
    return d < problem_.k || (side_.items && problem_.linear);
  }
  // inner_[j] = <x_j, y_j> over the factors of every feature
  void find_inner(Member& member, const float* x, const float* y);

  const RecallSide& side_;
  const RecallProblem& problem_;
  std::int64_t stride_;
  const float *theta_, *vectors_;
  std::vector<double> inner_, last_;
};

}  // namespace fieldfare
