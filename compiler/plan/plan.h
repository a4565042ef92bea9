// Decide: how a fusion runs on a target.  compiler/lower turns the decision into kernel IR, and
// plan_text.h prints and reads it.
//
// A fusion is a computation without calls, loops or tuple-typed values inside: its parameters are
// the buffers read, its root (an array, a tuple of arrays, or an op with several results) the
// buffers written, every layout row-major.
#ifndef INGOT_COMPILER_PLAN_PLAN_H_
#define INGOT_COMPILER_PLAN_PLAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "compiler/plan/contraction_plan.h"
#include "compiler/plan/joins.h"
#include "compiler/plan/library.h"
#include "compiler/plan/plan_fields.h"
#include "compiler/plan/radix_pass.h"
#include "compiler/plan/seen_digits.h"
#include "ir/analysis/fusion_view.h"
#include "ir/base/numerics.h"
#include "ir/base/shape.h"
#include "ir/base/target.h"
#include "ir/module.h"

namespace ingot::plan {

enum class Skeleton : uint8_t {
#define INGOT_PLAN_SKELETON(Name, text, Family) k##Name,
#include "compiler/plan/skeletons.def"
};

#define INGOT_PLAN_PLACEMENTS(X)                                                   \
  X(kUnused, "unused")       /* nothing asks for it */                             \
  X(kOperand, "operand")     /* a parameter: loaded where it is used */            \
  X(kInlined, "inlined")     /* computed where it is used, an element at a time */ \
  X(kRegisters, "registers") /* accumulated in registers over a loop of its own */ \
  X(kResult, "result")       /* as kInlined, and stored */                         \
  X(kInResult, "in_result")  /* worked on in the result's memory (sort, scan, scatter) */

enum class Placement : uint8_t {
#define INGOT_ENUMERATOR(enumerator, name) enumerator,
  INGOT_PLAN_PLACEMENTS(INGOT_ENUMERATOR)
#undef INGOT_ENUMERATOR
};

absl::string_view NameOf(Skeleton skeleton);
absl::string_view NameOf(Placement placement);

struct InstructionPlan {
  Placement placement = Placement::kUnused;
  // A parameter: elements that one access moves (1 where they are used one at a time).  A
  // reduction, dot or convolution that has an output element at a time: elements that one step of
  // its innermost loop takes.
  int width = 1;
  // An accumulation: threads of a warp that share it, each taking every threads-th step.
  int threads = 1;
  INGOT_PLAN_FIELDS(InstructionPlan, visit("", self.placement); visit("width", self.width);
                    visit("threads", self.threads);)
};

// A kernel that takes independent steps: loop, sort, scan, scatter.
struct StepPlan {
  std::vector<int>
      results;  // that it stores, all of the same dimensions; a scan's, whatever theirs
  // Iteration space: `rows` × `columns` elements of the root (for kSort and kScan: positions, the
  // worked dimension left out; for kScatter: the dimensions that updates cover whole).  A step is
  // `lanes` elements along the columns; what is left at the end of a row is done one by one.
  int64_t rows = 1;
  int64_t columns = 1;
  int lanes = 1;
  // The steps know elements by row-major number only: no instruction asks for coordinates.
  bool flat = false;
  // Dimensions of the root (of the positions) from this one on make up the columns.
  int64_t column_dimension = 0;
  // kScatter: each position is done by this many owners, each of an equal range of the first
  // scattered dimension of the operand.
  int64_t owners = 1;
  // Host: a task does task_rows × task_columns.
  int64_t task_rows = 1;
  int64_t task_columns = 1;
  // GPU: `step_threads` do one step together: one thread, or a warp that shares the accumulations
  // and of which the first thread stores.
  int step_threads = 1;
  std::vector<InstructionPlan> instructions;  // in the order of fusion.instructions()
  INGOT_PLAN_FIELDS(StepPlan, visit("results", self.results); visit("rows", self.rows);
                    visit("columns", self.columns); visit("lanes", self.lanes);
                    visit("flat", self.flat); visit("column_dimension", self.column_dimension);
                    visit("owners", self.owners); visit("task_rows", self.task_rows);
                    visit("task_columns", self.task_columns);
                    visit("step_threads", self.step_threads); visit("op", self.instructions);)
};

// How the coordinates of one class of the iteration space are dealt out.  A coordinate is
//   e + vector * (l + lanes * (w + warps * (r + registers * (b + blocks * i))))
// with e an element of a vector, l a lane, w a warp, r a register of a thread, b a block, and i a
// trip of a loop: at any time blocks read what lies side by side.  The product of all may exceed
// `size`: what is beyond is masked.
//
// On a host a block is a task, which has one thread: no lanes, no warps.  What a task walks lies
// side by side, (r + registers * (i + loop * b)), its last trip is the last in the space, and what
// is no whole vector is walked one by one behind the vectors.
struct TileClass {
  int64_t size = 1;
  int vector = 1;
  int lanes = 1;  // a power of two, as warps
  int warps = 1;
  int registers = 1;
  int64_t loop = 1;
  int64_t blocks = 1;

  int64_t block_extent() const { return int64_t{1} * vector * lanes * warps * registers * loop; }
  INGOT_PLAN_FIELDS(TileClass, visit("size", self.size); visit("vector", self.vector);
                    visit("lanes", self.lanes); visit("warps", self.warps);
                    visit("registers", self.registers); visit("blocks", self.blocks);
                    visit("loop", self.loop);)
};

// A kernel that walks tiles of the fusion's iteration space (FusionInfo).  Reductions are done
// by all threads of a block together: over a thread's registers and loops, lanes, then warps
// through shared memory.  A pass of the tile computes the reductions of one level and stores the
// roots that depend on none later; without reduced loops all passes share what was loaded and
// computed, in registers.
struct TilePlan {
  // As FusionInfo's; then, where partial results are put together, the class of those parts.
  std::vector<TileClass> classes;
  // The classes, innermost first, in the order in which they take lanes, warps and blocks.
  std::vector<int> order;
  // Reductions up to this level (PassLevels) are put together from the partial results in scratch.
  int known_level = 0;
  // Reductions up to this level are read from scratch as a kernel before has put them together.
  int combined_level = 0;
  // Other than 0: the kernel stores partial results of the reductions of this level, and no
  // results but those of levels below that it computes besides reductions across the walk
  // (PassLevels).  If it is the known level, it stores what it has put together, as one part more.
  int partial_level = 0;
  // Rows, which lie along memory and are what is reduced, may begin anywhere: whole vectors are
  // those from the first element on whose row-major number is a multiple of RowAlignment, and what
  // stands before and behind them, the ends, is taken one by one by the first threads of a row.
  // What all rows read whole may begin anywhere in a vector.
  bool aligned = false;
  // Where reductions lie across aligned rows: the class of the rows, of which a thread's columns
  // have to be the same in all trips.  Of its coordinate the block is the lowest digit, then the
  // warp, so that a block's rows lie as far apart as there are blocks, and all begin alike.
  int spread = -1;
  // Places of order[0] are moved back, so that each row of the results (ShiftedRows) has its
  // accesses begin at a sector of 32 bytes: by the row's row-major number modulo ShiftOf.  Nothing
  // is reduced.
  bool shifted = false;
  // Where a block has few elements of results that have no class that is reduced: the innermost
  // class of these, whose trips are then inside the block's part, as registers are (b and i above
  // change places).  What a block has of such a result is stored together, behind the last trip.
  int gathered = -1;
  // Where the rows of a block's trip, which begin anywhere, are one range of each array: their
  // class.  The trip copies ranges of inputs to shared memory first, and those of results back last
  // (tile_packed.h).  A lane's rows lie PackedStride apart from its neighbour's.
  int packed = -1;
  // Inputs (value numbers of FusionInfo's graph) that a block copies to shared memory before its
  // first trip and reads there; in planes, where rows are aligned (StagedLayout).
  std::vector<int> staged;
  // Inputs that lie across the results, or across what is reduced: a block copies the box of its
  // places to shared memory and reads it there (tile_turned.h).  No class loops.
  std::vector<int> turned;
  // A box of a turned input is one bulk tensor copy, whose swizzle is that of rows of vectors: row
  // r of the box is row r / vector of part r % vector (tile_turned.h).
  bool bulk = false;
  // Other than 0: boxes have several classes, of each of which a block has `loop` places, and so
  // many threads walk them in the order of each array's memory (tile_box.h).  No class has
  // vectors, lanes, warps or registers.
  int box_threads = 0;
  // Inputs that are the same in all trips, which each thread loads to registers before the first.
  std::vector<int> kept;
  // Inputs of which each thread copies its elements to shared memory so many trips before it
  // computes with them.  One kept class loops, no other; they have it.
  std::vector<int> ahead;
  int trips_ahead = 1;
  // What is ahead stays in shared memory: each pass over a row reads it there and computes what it
  // needs of it again, and the last one starts the copies of a row to come in its place.  So the
  // innermost class may loop too, and no other need.
  bool rests = false;
  // Of what is made of inputs that rest, values that a pass leaves in registers for later ones.  No
  // class that they have loops.
  std::vector<int> held;
  // Hosts: values (of FusionInfo's graph) that more than one pass over a row needs.  The first pass
  // stores them to memory of the task, and the others read them there.
  std::vector<int> buffered;
  INGOT_PLAN_FIELDS(TilePlan, visit("order", self.order); visit("known_level", self.known_level);
                    visit("combined_level", self.combined_level);
                    visit("partial_level", self.partial_level); visit("aligned", self.aligned);
                    visit("spread", self.spread); visit("shifted", self.shifted);
                    visit("gathered", self.gathered); visit("packed", self.packed);
                    visit("staged", self.staged); visit("turned", self.turned);
                    visit("bulk", self.bulk); visit("box_threads", self.box_threads);
                    visit("kept", self.kept); visit("ahead", self.ahead);
                    visit("trips_ahead", self.trips_ahead); visit("rests", self.rests);
                    visit("held", self.held); visit("buffered", self.buffered);
                    visit("class", self.classes);)

  // It puts partial results together, and does nothing else.
  bool combines() const { return partial_level > 0 && partial_level == known_level; }
};

// A kernel that copies operands of a concatenate to where they are in the result (concatenate.h).
struct ConcatenatePlan {
  int64_t first = 0;  // of the root's operands, the first that it copies
  int64_t count = 1;
  // Rows of the result that a block has in shared memory, to copy each operand's along the operand
  // and all of them along the result; 0: each element is copied to its place.
  int64_t rows = 0;
  int64_t pitch = 0;  // elements from one row in shared memory to the next
  INGOT_PLAN_FIELDS(ConcatenatePlan, visit("first", self.first); visit("count", self.count);
                    visit("rows", self.rows); visit("pitch", self.pitch);)
};

// A kernel whose blocks own rows of a scatter's result (scatter_rows.h).
struct ScatterRowsPlan {
  // Of the result, that a block owns; a thread has `lanes` columns of a row side by side.
  int64_t rows = 1;
  int columns = 32;
  int lanes = 1;
  // Indices of its rows that a block has in shared memory at once.
  int64_t list = 8192;
  INGOT_PLAN_FIELDS(ScatterRowsPlan, visit("rows", self.rows); visit("columns", self.columns);
                    visit("lanes", self.lanes); visit("list", self.list);)
};

// What a kernel of a scatter does (scatter_updates.h).
#define INGOT_PLAN_SCATTER_STAGES(X)                                        \
  X(kCopy, "copy")           /* operands to results */                      \
  X(kApply, "apply")         /* updates, in any order */                    \
  X(kClear, "clear")         /* what blocks tell each other */              \
  X(kCount, "count")         /* updates of each digit of their places */    \
  X(kPartition, "partition") /* updates, by one of the digits */            \
  X(kCombine, "combine")     /* updates of one place, which lie together */ \
  X(kSums, "sums")           /* updates of each place, of a tile */         \
  X(kRows, "rows")           /* those sums, of all tiles */

enum class ScatterStage : uint8_t {
#define INGOT_ENUMERATOR(enumerator, name) enumerator,
  INGOT_PLAN_SCATTER_STAGES(INGOT_ENUMERATOR)
#undef INGOT_ENUMERATOR
};
absl::string_view NameOf(ScatterStage stage);

// One of the kernels that apply a scatter's updates one by one, or by sorting them
// (scatter_updates.h).
struct ScatterUpdatesPlan {
  ScatterStage stage = ScatterStage::kCopy;
  int lanes = 1;        // elements of a row that a thread takes side by side
  int row_threads = 1;  // that share a row
  // kApply: rows of a copy of the result that each block accumulates in shared memory; 0: none.
  int64_t shared_rows = 0;
  RadixPasses radix;  // sorting; passes=0: they are in order
  // Other than 0: of a row's number, the lower bits, by which blocks sort and sum tiles of the
  // updates; a pass, or none, brings those of the other bits together.
  int tile_bits = 0;
  // Applying: updates whose loads a thread has under way together.
  // Combining: updates one after the other of each thread, or of the threads of a row, and of what
  // the level before left.  `staged`: blocks read them through shared memory.
  bool staged = false;
  int walk_threads = 256;
  int64_t span = 1;
  int levels = 0;  // 0: nothing is sorted
  int level = 0;
  INGOT_PLAN_FIELDS(ScatterUpdatesPlan, visit("stage", self.stage); visit("lanes", self.lanes);
                    visit("row_threads", self.row_threads); visit("shared_rows", self.shared_rows);
                    RadixPasses::VisitFields(self.radix, visit); visit("tile_bits", self.tile_bits);
                    visit("staged", self.staged); visit("walk_threads", self.walk_threads);
                    visit("span", self.span); visit("levels", self.levels);
                    visit("level", self.level);)
};

// What a kernel of a sort by radix passes does (radix_sort.h).
#define INGOT_PLAN_RADIX_STAGES(X)             \
  X(kClear, "clear") /* as ScatterStage has */ \
  X(kCount, "count")                           \
  X(kPartition, "partition")

enum class RadixStage : uint8_t {
#define INGOT_ENUMERATOR(enumerator, name) enumerator,
  INGOT_PLAN_RADIX_STAGES(INGOT_ENUMERATOR)
#undef INGOT_ENUMERATOR
};
absl::string_view NameOf(RadixStage stage);

// One of the kernels that sort rows by digits of their keys (radix_sort.h).
struct RadixSortPlan {
  RadixStage stage = RadixStage::kPartition;
  // Entries are the operands that are compared, and places, by which the others' elements are had
  // last; else the elements of all operands.
  bool places = false;
  RadixPasses radix;
  INGOT_PLAN_FIELDS(RadixSortPlan, visit("stage", self.stage); visit("places", self.places);
                    RadixPasses::VisitFields(self.radix, visit);)
};

// A kernel whose blocks sort rows by merging (merge_sort.h).
struct MergeSortPlan {
  // What is compared are integers (FindSortKeys), or operands' elements by the sort's comparator.
  bool by_key = true;
  // Records have their places, by which results are gathered; else the key is the result.
  bool places = true;
  int items = 3;  // of a thread
  int row_threads = 32;
  int rows = 1;  // that a block sorts
  // Pass 0 sorts rows, or tiles of them, which are runs then.  Each further pass merges runs two by
  // two, from scratch; the last one of all `passes` stores results, the others records.
  int pass = 0;
  int passes = 1;
  INGOT_PLAN_FIELDS(MergeSortPlan, visit("by_key", self.by_key); visit("places", self.places);
                    visit("items", self.items); visit("row_threads", self.row_threads);
                    visit("rows", self.rows); visit("pass", self.pass);
                    visit("passes", self.passes);)

  int64_t tile() const { return int64_t{items} * row_threads; }
  int threads() const { return rows * row_threads; }
};

// A kernel whose blocks scan tiles of rows (scan_tiles.h).
struct ScanTilesPlan {
  // The kernel before, which clears what blocks count and mark.
  bool clears = false;
  int lanes = 1;    // elements of a vector, which lies along memory
  int across = 32;  // threads beside each other: along memory where rows lie so, else one for rows
  int groups = 8;   // of these threads, one behind the other along the rows
  int items = 4;    // vectors of a thread
  INGOT_PLAN_FIELDS(ScanTilesPlan, visit("clears", self.clears); visit("lanes", self.lanes);
                    visit("across", self.across); visit("groups", self.groups);
                    visit("items", self.items);)

  int threads() const { return across * groups; }
};

// A kernel each of whose threads computes neighbouring elements of a window's result (window.h).
struct WindowPlan {
  int dimension = 0;  // of the result, along which a thread's elements lie
  int run = 1;        // of them
  int lanes = 1;      // elements of a vector, along the last dimension
  INGOT_PLAN_FIELDS(WindowPlan, visit("dimension", self.dimension); visit("run", self.run);
                    visit("lanes", self.lanes);)
};

// A kernel of the gradient of a depthwise convolution's weights (window_sums.h).
struct WindowSumsPlan {
  // The second kernel, which puts parts together.
  bool combines = false;
  int lanes = 1;      // features of a vector
  int across = 32;    // threads beside each other, of neighbouring features
  int groups = 8;     // of these threads, each with rows of its own
  int run = 4;        // positions of a row that a thread takes together
  int64_t parts = 1;  // blocks that share the rows
  INGOT_PLAN_FIELDS(WindowSumsPlan, visit("combines", self.combines); visit("lanes", self.lanes);
                    visit("across", self.across); visit("groups", self.groups);
                    visit("run", self.run); visit("parts", self.parts);)

  int threads() const { return across * groups; }
};

// Which memory a parameter of a kernel is.
struct BufferRole {
  enum class Kind : uint8_t { kOperand, kResult, kScratch };
  Kind kind = Kind::kOperand;
  // Of the fusion's parameters, of the leaves of its root, or of FusionPlan::scratch.
  int number = 0;
  bool operator==(const BufferRole&) const = default;
};

// What a skeleton needs decided.
using Work = std::variant<StepPlan, TilePlan, ContractionPlan, ConcatenatePlan, ScatterRowsPlan,
                          ScatterUpdatesPlan, MergeSortPlan, RadixSortPlan, ScanTilesPlan,
                          WindowPlan, WindowSumsPlan>;
// The defaults of the skeleton's.
Work WorkOf(Skeleton skeleton);

struct KernelPlan {
  Skeleton skeleton = Skeleton::kLoop;
  std::vector<BufferRole> buffers;             // the kernel's parameters, in order
  ElementType index_type = ElementType::kS32;  // s64 where an offset does not fit
  int64_t tasks = 1;                           // host
  int block_threads = 1;                       // GPU
  int64_t blocks = 1;                          // GPU
  // GPU: blocks that a multiprocessor should hold at once, so that the assembler gives their
  // threads no more registers than that allows; 0: as it comes.
  int resident_blocks = 0;
  // What the kernel must move and compute, for runtime::Command.
  int64_t bytes = 0;
  int64_t flops = 0;
  Work work;

  const StepPlan& steps() const { return std::get<StepPlan>(work); }
  const TilePlan& tile() const { return std::get<TilePlan>(work); }
  const ContractionPlan& contraction() const { return std::get<ContractionPlan>(work); }
  const ScatterRowsPlan& scatter_rows() const { return std::get<ScatterRowsPlan>(work); }
  const ScatterUpdatesPlan& scatter_updates() const { return std::get<ScatterUpdatesPlan>(work); }
  const ConcatenatePlan& concatenate() const { return std::get<ConcatenatePlan>(work); }
  const ScanTilesPlan& scan_tiles() const { return std::get<ScanTilesPlan>(work); }
  const WindowPlan& window() const { return std::get<WindowPlan>(work); }
  const WindowSumsPlan& window_sums() const { return std::get<WindowSumsPlan>(work); }
  const RadixSortPlan& radix_sort() const { return std::get<RadixSortPlan>(work); }
  const MergeSortPlan& merge_sort() const { return std::get<MergeSortPlan>(work); }
  INGOT_PLAN_FIELDS(KernelPlan, visit("", self.skeleton); visit("index", self.index_type);
                    visit("tasks", self.tasks); visit("blocks", self.blocks);
                    visit("block_threads", self.block_threads);
                    visit("resident_blocks", self.resident_blocks); visit("bytes", self.bytes);
                    visit("flops", self.flops); visit("buffers", self.buffers);
                    visit("work", self.work);)
};

// What plans say of a fusion before it is one.
struct FusionCostEstimate {
  double microseconds = 0;
  bool one_walk = false;  // one walk over its elements computes all of it
  std::string reason;     // why none does, as MakeTilePlan says; empty if one does
};

// Memory besides parameters and results that kernels of a fusion need while it runs.
struct Scratch {
  Shape shape;
  INGOT_PLAN_FIELDS(Scratch, visit("", self.shape);)
};

// A result that may be stored to the memory of an operand, by their numbers.
struct InPlacePair {
  int result = 0;
  int operand = 0;
  bool operator==(const InPlacePair&) const = default;
};

// A reduction that is computed in the pass of the one that it depends on.
struct Joined {
  JoinRule rule = JoinRule::kExponentials;
  int reduction = 0;  // value number of FusionInfo's graph
  INGOT_PLAN_FIELDS(Joined, visit("", self.rule); visit("reduction", self.reduction);)
};

// How a fusion runs: kernels that are launched in order.
struct FusionPlan {
  std::string reason;  // why this plan and no other; empty where there was no other
  // Microseconds on the target, to rank plans by; 0: not estimated.
  double cost = 0;
  Numerics numerics = Numerics::kDefault;
  // The instructions, by id, whose bf16 or f16 values stay in f32; ascending.
  std::vector<int64_t> unrounded;
  // The instructions, by id, of whose f32 values not all digits are seen; ascending.
  std::vector<int64_t> loose;
  std::vector<int64_t> narrow;
  std::vector<int64_t> plus_one, minus_one;
  // The sums, by id, that take a product without rounding it first (ProductOfStep); ascending.
  std::vector<int64_t> contracted;
  std::vector<Joined> joined;  // kTile: none, or all that FindJoins finds
  std::vector<KernelPlan> kernels;
  std::vector<Scratch> scratch;  // alive from the first kernel to the last
  // Kernels make no difference between the two memories of a pair: whether they are one is each
  // launch's own choice (in_place.h).
  std::vector<InPlacePair> in_place;
  // Results that hold what the operand does before the kernels run, which write what changes: the
  // operand's memory, or a copy of it.
  std::vector<InPlacePair> updates;
  // A library that computes the whole fusion; the kernels are what runs where it is absent.
  std::optional<LibraryMatch> library;
  INGOT_PLAN_FIELDS(FusionPlan, visit("reason", self.reason); visit("cost", self.cost);
                    visit("numerics", self.numerics); visit("unrounded", self.unrounded);
                    visit("loose", self.loose); visit("narrow", self.narrow);
                    visit("plus_one", self.plus_one); visit("minus_one", self.minus_one);
                    visit("contracted", self.contracted); visit("joined", self.joined);
                    visit("in_place", self.in_place); visit("updates", self.updates);
                    visit("scratch", self.scratch); visit("library", self.library);
                    visit("kernel", self.kernels);)
};

class PlanTable;
class TunedPlans;

struct PlanOptions {
  bool tiles = true;  // false: the universal loop and its relatives only
  Numerics numerics = Numerics::kDefault;
  std::vector<int64_t> unrounded;         // FusionPlan's, of FindUnrounded
  SeenDigits seen;                        // FusionPlan's, of FindSeenDigits
  std::vector<int64_t> contracted;        // FusionPlan's, of FindContractions
  std::vector<int> last_reads;            // operands that nobody reads behind the fusion, ascending
  std::vector<InPlacePair> wanted_pairs;  // of them, where a result had best be: they go first
  const PlanTable* table = nullptr;       // plans that go before all others
  const TunedPlans* tuned = nullptr;      // plans that go behind those, before the skeletons'
};

// The first entry of the table that Fits, else the first of the tuned plans that does, else what
// the first skeleton guesses that can do it.  Pure: it depends on nothing else.  Total: a fusion
// that cannot be lowered has a plan too, and Lower says what is missing.  `refused` is given a line
// for each entry of the table that is this fusion's and does not fit: where it stands, and why.
FusionPlan MakePlan(const Computation& fusion, const Target& target,
                    const PlanOptions& options = {}, std::vector<std::string>* refused = nullptr);

// What there is to choose from without tables: first what MakePlan takes.  Each Fits; GPUs' have a
// cost.
std::vector<FusionPlan> MakeCandidates(const Computation& fusion, const Target& target,
                                       const PlanOptions& options = {});

// What a fusion of this view would cost: its best plan that is one walk over its elements; where
// there is none, its bytes at the rate of copies, and more where it reduces.
FusionCostEstimate EstimateFusion(const FusionView& view, const Target& target);

}  // namespace ingot::plan

#endif  // INGOT_COMPILER_PLAN_PLAN_H_
