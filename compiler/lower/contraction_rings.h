// ProductRings: tiles of a product's two matrices in a ring of stages in shared memory, and the
// warpgroup that brings them.
#ifndef INGOT_COMPILER_LOWER_CONTRACTION_RINGS_H_
#define INGOT_COMPILER_LOWER_CONTRACTION_RINGS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "compiler/kernel/expr.h"
#include "compiler/lower/contraction_copies.h"
#include "compiler/lower/contraction_parts.h"
#include "compiler/plan/product_images.h"
#include "compiler/plan/product_map.h"

namespace ingot::lower {

inline constexpr int kWarpgroupWarps = 4;
inline constexpr int kUnitRows = 64;        // of wgmma
inline constexpr int kUnitDepthBytes = 32;  // of wgmma
inline constexpr int kDescriptorUnit = 16;  // bytes
inline constexpr int kSwizzleLines = 8;     // after which the swizzle repeats

// One matrix's tiles: `stages` of them, one behind the other.  A tile is lines of kTileLineBytes,
// along depth or along rows, whose pieces of 16 bytes are exchanged as the copy engine's swizzle
// does.
struct Ring {
  kernel::Buffer* tiles = nullptr;
  bool depth_major = true;
  int outer = 0;         // rows of a tile, of the right matrix columns
  int boxes = 1;         // of kTileLineBytes along rows
  int64_t elements = 0;  // of a tile
  // Who brings them: the copy engine, a part for each of `shares` blocks; or threads.
  kernel::MapParameter* map = nullptr;
  int shares = 1;
  std::vector<int64_t> sizes;  // of the matrix's coordinates
  std::vector<plan::OperandDigit> digits;
  std::optional<plan::ProductImages> images;  // that it is, instead of digits
  std::optional<ProductCopies> copies;

  int64_t box_elements() const { return elements / boxes; }
  int64_t bytes() const { return elements * ByteWidth(tiles->element); }
  // Steps of an operand's descriptor, in its own units: along depth, to the next 64 rows, to the
  // next stage.
  int64_t depth_step() const;
  int64_t row_step() const;
  int64_t stage_step() const;
};

// Waits until a phase of an mbarrier, the one of this parity, is over; `row` tests it.
void Await(kernel::Builder& b, kernel::Buffer* barriers, kernel::Value number, kernel::Value parity,
           kernel::Intrinsic row);

class ProductRings {
 public:
  ProductRings(Frame& frame, const plan::Product& product, ProductParts& parts);

  // Shared memory, tensor maps, the cluster; false where a matrix has no such map, which the frame
  // knows then.  `consumer_warps` of a block read the tiles.
  bool Declare(int consumer_warps);
  // All of the block: mbarriers are made, those of `others` too, and seen by all who use them;
  // nobody leaves before others have arrived at them.
  void Begin(const std::function<void()>& others);
  void End();
  // What the first warpgroup does.
  void Produce();

  // The parts of the block, one after the other.
  void ForParts(const std::function<void(const ProductPart&)>& body);

  // Which stage is next, and the parity of its turn.
  struct Turn {
    kernel::Var* stage;
    kernel::Var* parity;
  };
  Turn FirstTurn();
  void Advance(const Turn& turn);
  // A consumer's: waits for a stage's tiles; a lane for each block that is told says that the warp
  // has read a stage.
  void AwaitFull(const Turn& turn);
  void Release(kernel::Value stage, kernel::Value condition);

  const Ring& lhs() const { return lhs_; }
  const Ring& rhs() const { return rhs_; }

 private:
  // Tiles that the copy engine brings.
  absl::Status UseMap(const plan::ProductOperand& operand, int shares, Ring& ring,
                      TensorMap& map) const;
  bool MakeRing(const char* name, const plan::ProductOperand& operand, const plan::MatrixTile& tile,
                int outer, int64_t outer_size, int shares, Ring& ring);
  static int LineElements(const Ring& ring);
  // Of which matrices tiles come by whom.
  bool ThreadsCopy() const;
  int64_t EngineBytes() const;
  void AwaitEmpty(const Turn& turn);
  void CopyByEngine(const ProductPart& part, kernel::Value step, kernel::Value stage);
  void ProduceByThreads();
  void HandOver(const Turn& landed);
  void CopyVectors(const Ring& ring, const ProductPart& part, kernel::Value first,
                   kernel::Value step, kernel::Value stage);
  void CopyBoxes(const Ring& ring, const ProductPart& part, kernel::Value first, kernel::Value step,
                 kernel::Value stage);
  kernel::Value Sharers(const Ring& ring);
  void CopyPixels(const Ring& ring, const ProductPart& part, kernel::Value first,
                  kernel::Value depth, kernel::Value stage);
  void Meet(kernel::Intrinsic arrive);

  Frame& frame_;
  const plan::ContractionPlan& plan_;
  const plan::Product& product_;
  kernel::Builder& b_;
  ElementEmitter& e_;
  IndexMath& math_;
  ProductParts& parts_;
  int consumer_warps_ = 0;
  Ring lhs_, rhs_;
  kernel::Buffer* full_ = nullptr;
  kernel::Buffer* empty_ = nullptr;
};

}  // namespace ingot::lower

#endif  // INGOT_COMPILER_LOWER_CONTRACTION_RINGS_H_
