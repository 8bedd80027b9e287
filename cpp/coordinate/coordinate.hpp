// Coordinate descent and Gibbs sampling for linear models and factorization machines.
//
// Both visit one parameter at a time, all others fixed. With e = score - target and, for factor f,
// q = X v_f, the score is linear in each parameter theta (Rendle 2012, section 4.1), with slope
//   h_i = x_ij                    for a linear weight w_j,
//   h_i = x_ij (q_i - x_ij v_jf)  for a factor v_jf,
// so the squared loss is a parabola in theta. Its minimum, or a draw from the normal distribution
// that it is the logarithm of, needs only sum h e and sum h^2 over the rows that have feature j.
//
// Features of a field that has at most one entry per row share no row, so a pass over the rows sums
// for all of them at once, and the next pass applies all changes. The rows then matter only through
// their code (which feature of the field they have). The same holds for a field with several
// entries per row, or with values, when few different patterns of entries occur: the rows are
// grouped by pattern, and the field's features are visited on the table of patterns. Side tables,
// and fields that are determined by another (the age of a user), are such patterns from the start:
// the relation blocks of Rendle 2013.
//
// Factors that serve orders above 2 are visited by anova_sweep.hpp, on the same blocks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "common/random.hpp"
#include "common/rows.hpp"
#include "common/sparse.hpp"

namespace fieldfare {

// Adjacent features of a table. Shared: no two have a code in common, and there are many of them.
struct FeatureRun {
  std::int64_t begin = 0, end = 0;
  bool shared = false;
};

// Some features, and which rows have them. No feature is in two blocks.
struct Block {
  enum class Kind {
    one_hot,  // code c means feature c; the last code means none
    table,    // code c means the pattern c
    direct    // patterns do not repeat: pattern i is that of row i, and there are no codes
  };
  Kind kind = Kind::one_hot;
  std::vector<std::uint32_t> features;  // ids, ascending; below, a feature is its place in here
  std::int64_t n_codes = 0;
  std::vector<std::uint32_t> codes;  // [n_rows]
  Sparse patterns;                   // by code: features and values
  Sparse columns;                    // by feature: codes and values
  std::vector<FeatureRun> runs;      // of a table: all features, in order
};

// What cannot be made into a design, and where.
struct DesignFault {
  enum class Reason { bad_row, repeated_feature, bad_relation, shared_feature };
  Reason reason;
  std::int64_t row;
};

// Rows, divided into blocks: everything about them that the sweeps need.
struct Design {
  std::int64_t n_rows = 0;
  std::int64_t n_features = 0;
  std::vector<Block> blocks;
  std::vector<std::uint32_t> absent;  // features that no row has
};

// A side table, and which of its rows each row refers to: row i has the entries of row codes[i]
// too.
struct Relation {
  const std::uint32_t* codes = nullptr;  // one for each of the rows
  Rows rows;
};

// Uses the given rows (all of them without an order); with `normalised`, each is divided by its
// length. Fields whose entries are determined by those of another field become one table with it.
std::optional<DesignFault> make_design(const Rows& rows, const std::vector<Relation>& relations,
                                       const std::int64_t* order, std::int64_t n_order,
                                       bool normalised, Design* design);

// --- Parts of the above
// -------------------------------------------------------------------------------------------------

// Adds a side table as a block of its own.
std::optional<DesignFault> add_relation(const Relation& relation, const std::int64_t* order,
                                        Design* design);

// Makes one table of blocks whose codes are determined by those of one of them. Their features are
// then visited on the table, which is much smaller than the rows.
void join_dependent(Design* design);

// Adds a pattern of feature ids and values, ascending, after the others.
void append_pattern(Block* block, const std::vector<std::pair<std::uint32_t, float>>& entries);

// Finds columns and runs from the patterns.
void finish_table(Block* block);

// Number of rows that have each feature, [n_features].
void count_rows(const Design& design, float* out);

// The orders of interactions that a factor serves; 2 and 2 in a factorization machine.
struct FactorOrders {
  std::int64_t lowest = 2, highest = 2;
};

struct SweepParameters {
  float* bias = nullptr;     // or null: not part of the model
  float* linear = nullptr;   // [n_features], or null
  float* factors = nullptr;  // [k, n_features], or null
  std::int64_t k = 0;
  std::vector<FactorOrders> orders;  // [k], or empty: order 2 only

  FactorOrders orders_of(std::int64_t f) const {
    return orders.empty() ? FactorOrders{} : orders[f];
  }
  std::int64_t highest() const {
    std::int64_t found = 2;
    for (const FactorOrders& one : orders) found = std::max(found, one.highest);
    return found;
  }
};

// Normal prior of every parameter: its precision (the L2 penalty) and mean, by group of features.
// Row 0 is for the linear weights, row 1 + f for factor f.
struct Prior {
  const std::uint32_t* group = nullptr;  // [n_features], or null: one group
  std::int64_t n_groups = 1;
  const float* precision = nullptr;   // [1 + k, n_groups]
  const float* mean = nullptr;        // [1 + k, n_groups]
  const float* multiplier = nullptr;  // of the precision, [n_features], or null
  float bias_precision = 0;
};

// What the sweep minimises. `residual` is score minus target, kept up to date by the sweep.
struct Observed {
  float* residual = nullptr;      // [n_rows]
  float* target = nullptr;        // [n_rows]: what the scores are regressed on
  const float* label = nullptr;   // [n_rows], 0 or 1: logistic loss, which moves the target
  const float* weight = nullptr;  // [n_rows], or null
  float precision = 1;            // of the noise
};

// One sweep over bias, linear weights and factors: the exact minimum of each parameter in turn or,
// with draws, a sample from its conditional distribution. `go_on` is asked between factors; once it
// says no, the sweep ends and the residual is out of date. Returns whether it was complete. The
// result does not depend on the number of threads.
bool sweep(const Design& design, const SweepParameters& parameters, const Prior& prior,
           const Observed& observed, const std::optional<Draws>& draws, std::int64_t n_threads,
           const std::function<bool()>& go_on);

// Scores of the rows of the design, [n_rows].
void score_design(const Design& design, const SweepParameters& parameters, float* out,
                  std::int64_t n_threads);

}  // namespace fieldfare
