// Coordinate descent for factors of any order, for which the score is no longer half a difference
// of squares.
//
// With p_j = x_j v_j for the entries j of a row, the ANOVA kernel of order t is the sum over all
// subsets of t entries of their products; by the recurrence of Blondel et al. 2016 it grows entry
// by entry, A^t += p_j A^(t-1). It is linear in each v_j, with the slope x_j B^(t-1), where B are
// the kernels of the row without entry j: B^0 = 1, B^s = A^s - p_j B^(s-1). So each parameter has
// an exact optimum here too, from the residuals and the kernels of its rows, both kept up to date.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "common/team.hpp"
#include "coordinate/coordinate.hpp"

namespace fieldfare {

// One factor of all features, and which orders it serves.
struct FactorColumn {
  const float* v = nullptr;  // [n_features]
  FactorOrders orders;
};

class AnovaSweep {
 public:
  // New value of a feature's factor, from sum h e and sum h^2 over the rows that have it.
  using Update = std::function<float(std::uint32_t id, double num, double den)>;

  // `highest` is that of all factors to be fitted.
  AnovaSweep(const Design& design, const Observed& observed, std::int64_t highest);

  // Visits every feature once, by all members of a team, which have to meet before and after.
  void fit(Member& member, float* v, FactorOrders orders, const Update& update);

 private:
  // Calls visit(row, x) for the rows that have a feature of a block.
  template <class Visit>
  void each_row(std::size_t block, std::int64_t feature, const Visit& visit) const;

  void update_feature(std::size_t block, std::int64_t feature, float* v, FactorOrders orders,
                      const Update& update);

  const Design& design_;
  const Observed& observed_;
  std::vector<Sparse> rows_;     // [n_blocks]: of each code, its rows
  std::vector<double> kernels_;  // A^1, A^2, ... up to the highest order but one, of each row
};

// Adds the kernels of a factor to the scores of the rows, [n_rows].
void add_anova_scores(const Design& design, const FactorColumn& column, float* out,
                      std::int64_t n_threads);

}  // namespace fieldfare
