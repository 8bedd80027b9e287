// What a sweep of coordinate descent does on the rows: between two meetings of the team, a pass
// applies the changes of the last block and computes the sums for the next. Sums are kept by chunks
// of rows, which depend only on the data, so that any number of threads gives the same bits.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "common/lines.hpp"
#include "common/team.hpp"
#include "coordinate/block_update.hpp"
#include "coordinate/coordinate.hpp"

namespace fieldfare {

class RowPass {
 public:
  RowPass(const Design& design, const SweepParameters& parameters, const Observed& observed);

  // --- By all members of a team, which must meet before they use the results

  // The total weight of the rows of each code of a table, which does not depend on parameters.
  void find_mass(Member& member);

  // The sums for the bias.
  void add_up_all(Member& member);

  // What each code adds to a factor's q.
  void find_levels(Member& member, std::int64_t f);

  // Applies what is pending, starts a factor's q if this is its `first` block, and computes the
  // sums for the block, if any.
  void run(Member& member, std::int64_t f, const Block* block, bool first);

  // --- Results

  // Sum of the weighted residuals, and of the weights.
  std::pair<double, double> total() const;

  const double* mass(const Block& block) const { return mass_[number(block)].data(); }

  // Adds up, and clears, the sums of a code: e and n for linear weights; h e and h^2 for factors of
  // one-hot features; e, q, q^2 and q e for those of a table.
  template <int W>
  void take_sums(const Block& block, std::int64_t code, double* total) {
    const std::int64_t n_slots = slots(block);
    for (std::int64_t s = 0; s < n_slots; ++s) {
      double* sum = sums_.data() + (s * block.n_codes + code) * W;
      for (int a = 0; a < W; ++a) {
        total[a] += sum[a];
        sum[a] = 0;
      }
    }
  }

  float* q() { return q_.data(); }

  // --- Pending changes of the rows

  // One for each code of the block that is solved, [n_codes].
  Shift* shifts() { return shifts_.data(); }

  // The shifts are those of a block, for the next pass.
  void put_off(const Block& block, std::int64_t f) {
    pending_ = &block;
    pending_row_ = f;
  }

  // The bias has changed.
  void put_off(float change) { pending_all_ = change; }

  // Nothing is pending any more.
  void settle() {
    pending_ = nullptr;
    pending_all_ = 0;
  }

 private:
  static constexpr std::int64_t most_chunks = 16;

  std::size_t number(const Block& block) const { return &block - design_.blocks.data(); }
  std::int64_t chunks(const Block& block) const;
  std::int64_t slots(const Block& block) const;
  std::int64_t most_sums() const;  // of any block
  float weight(std::int64_t i) const {
    return observed_.weight == nullptr ? 1.0F : observed_.weight[i];
  }

  void apply(std::int64_t begin, std::int64_t end);
  void start(std::int64_t f, std::int64_t begin, std::int64_t end);
  void move_target(std::int64_t i);
  void add_up(std::int64_t f, const Block& block, std::int64_t chunk, std::int64_t begin,
              std::int64_t end);

  const Design& design_;
  const SweepParameters& parameters_;
  const Observed& observed_;
  std::vector<float> q_;                    // X v_f, [n_rows]
  std::vector<std::vector<float>> levels_;  // [n_blocks][n_codes]
  std::vector<std::vector<double>> mass_;   // [n_blocks][n_codes], of tables
  Lines<double> sums_;                      // [slots, n_codes, width], zero between passes
  std::vector<Shift> shifts_;               // of the pending block
  const Block* pending_ = nullptr;          // whose shifts have still to be applied
  std::int64_t pending_row_ = linear_row;
  float pending_all_ = 0;  // change of the bias, likewise
  std::pair<double, double> all_sums_[most_chunks];
};

}  // namespace fieldfare
