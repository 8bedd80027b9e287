// What a sweep of coordinate descent does between its passes over the rows: it computes new values
// of single parameters, and of the features of a block that is not one-hot.
#pragma once

#include <cstdint>
#include <optional>

#include "common/random.hpp"
#include "coordinate/coordinate.hpp"

namespace fieldfare {

constexpr std::int64_t linear_row = -1;

// The effect of a block's new parameters on its rows: e += by_q * q + constant, then q += by_q.
struct Shift {
  float by_q = 0, constant = 0;
};

// Sums over the rows of a code.
struct Moments {
  double e = 0, q = 0, qq = 0, qe = 0, n = 0;
};

// One parameter of every feature: the linear weights (`linear_row`), or a factor.
class ParameterRow {
 public:
  ParameterRow(const SweepParameters& parameters, const Prior& prior, const Observed& observed,
               const std::optional<Draws>& draws, std::int64_t n_features, std::int64_t f);

  bool linear() const { return linear_; }
  float* values() const { return values_; }

  // Minimum of, or draw from, precision / 2 * (num * d + den * d^2 / 2) + prior for the change d.
  float updated(std::uint32_t id, double num, double den) const;

 private:
  const Prior& prior_;
  double noise_precision_;
  std::optional<Draws> draws_;
  bool linear_;
  float* values_;           // [n_features]
  std::int64_t first_ = 0;  // where the row begins in the tables of the prior
};

// One feature's update in a table, on sums over the rows of each pattern, [n_codes], which it keeps
// up to date, along with the shifts that the rows still need.
void update_on_table(const ParameterRow& row, const Block& block, std::int64_t feature,
                     Moments* moments, Shift* shifts);

// Updates the features of a direct block one after another, on the rows themselves; `q` is given
// for factors.
void update_on_rows(const ParameterRow& row, const Block& block, const Observed& observed,
                    float* q);

}  // namespace fieldfare
