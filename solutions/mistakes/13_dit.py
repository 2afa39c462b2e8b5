# ---- dit.patchify ----------------------------------------------------------------------------------------------------

# %% [dit.patchify] channels first in a patch
# hint: Inside a token the numbers are sorted by channel: one channel of all pixels, then the next. The channels of a
# hint: pixel belong side by side.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 2, 4, 1, 3, 5)

# %% [dit.patchify] channels between a patch's rows and columns
# hint: Inside a token the channels stand between the rows and the columns of the patch. Which axis runs fastest?
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 2, 4, 3, 1, 5)

# %% [dit.patchify] columns first in a patch
# hint: The pixels of a patch come column by column. They come row by row.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 2, 4, 5, 3, 1)

# %% [dit.patchify] columns first and channels first in a patch
# hint: Inside a token the channels come first, and then the columns of the patch before its rows.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 2, 4, 1, 5, 3)

# %% [dit.patchify] patches column by column
# hint: Each token is right, but the tokens come column by column of the image. They come row by row.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 4, 2, 3, 5, 1)

# %% [dit.patchify] patches column by column, channels first
# hint: The tokens come column by column of the image, and inside a token one channel after the other.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 4, 2, 1, 3, 5)

# %% [dit.patchify] both orders turned
# hint: Rows and columns have changed places twice: among the patches, and among the pixels of a patch.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 4, 2, 5, 3, 1)

# %% [dit.patchify] both orders turned, channels first
# hint: Rows and columns have changed places among the patches and inside them, and the channels come first in a token.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 4, 2, 1, 5, 3)

# %% [dit.patchify] the same place of all patches in a token
# hint: A token holds pixels that lie far apart: the place inside a patch and the number of the patch have changed roles.
# hint: An axis of h splits into two: which of them is the outer one?
# edit: reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1) → reshape(b, c, p, h // p, p, w // p).permute(0, 3, 5, 2, 4, 1)

# %% [dit.patchify] the same place of all patches, channels first
# hint: A token holds pixels that lie far apart, every so many rows and columns, and its channels come first.
# edit: reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1) → reshape(b, c, p, h // p, p, w // p).permute(0, 3, 5, 1, 2, 4)

# %% [dit.patchify] split the wrong way round, axes as if not
# hint: Each side is split as p times h/p, and then permuted as if it were h/p times p: the numbers of the patches and the
# hint: places inside them have changed roles.
# edit: reshape(b, c, h // p, p, w // p, p) → reshape(b, c, p, h // p, p, w // p)

# %% [dit.patchify] axes of places and of patches changed
# hint: What becomes the number of a token is the place inside a patch. First come the two axes that count patches.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 3, 5, 2, 4, 1)

# %% [dit.patchify] axes not moved
# hint: The six axes stay where they are, and the last reshape takes the numbers in the order in which they lie: whole
# hint: rows of one channel. A reshape alone moves nothing.
# edit: .permute(0, 2, 4, 3, 5, 1) →

# %% [dit.patchify] channels moved only
# hint: The channels went to the end, and the rest stayed: a token is a piece of image rows, not a patch.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 2, 3, 4, 5, 1)

# %% [dit.patchify] patches brought together, channels left in front
# hint: The channels stayed in front of the patches: a token holds numbers of one channel, of several patches.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 1, 2, 4, 3, 5)

# %% [dit.patchify] the channels left in front of the columns
# hint: The channels stand between the two axes that count the patches.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 2, 1, 4, 3, 5)

# %% [dit.patchify] rows of patches beside the places
# hint: A row in a patch comes before the number of the patch in its row: a token is a strip of pixels of one row.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 2, 3, 4, 1, 5)

# %% [dit.patchify] strips for patches
# hint: Only the height is cut: a token is a strip as wide as the image.
# replace:
x = x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1)  # (b, h/p, w/p, p, p, c)
return x.reshape(b, (h // p) * (w // p), p * p * c)
# by:
return x.reshape(b, c, h // p, p, w).permute(0, 2, 3, 4, 1).flatten(2)

# %% [dit.patchify] height and width changed in the split
# hint: Height and width have changed places where the axes are split. With square images you would not see it.
# edit: reshape(b, c, h // p, p, w // p, p) → reshape(b, c, w // p, p, h // p, p)

# %% [dit.patchify] a reshape to wrong numbers
# hint: A reshape is asked for more or fewer numbers than there are. Images may be wider than high, p need not be 2, and
# hint: there may be any number of channels.
# edit: x.reshape(b, c, h // p, p, w // p, p) → x.reshape(b, c, h // p, p, h // p, p)

# %% [dit.patchify] p for another size
# hint: The first images go well; with another p, or another number of channels, a reshape does not fit. Is one of them
# hint: written as a number?
# edit: p * p * c) → 4 * c)

# %% [dit.patchify] two samples always
# hint: The number of samples is fixed: one image alone does not work.
# edit: return x.reshape(b, → return x.reshape(2,

# %% [dit.patchify] tokens and numbers changed
# hint: The tokens stand along the last axis and a token's numbers along the middle one. Attention takes (b, n, d).
# edit: p * p * c) → p * p * c).transpose(1, 2)

# %% [dit.patchify] F.unfold as it comes
# hint: `F.unfold` lays a patch along the middle axis, one channel after the other. Two things about its order are still to
# hint: be changed.
# replace:
b, c, h, w = x.shape
x = x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1)  # (b, h/p, w/p, p, p, c)
return x.reshape(b, (h // p) * (w // p), p * p * c)
# by:
return F.unfold(x, p, stride=p)

# %% [dit.patchify] the last reshape takes the tokens for numbers
# hint: The shape is (b, numbers, tokens), filled in the order of tokens: the last reshape has its sizes in another order.
# edit: (h // p) * (w // p), p * p * c → p * p * c, (h // p) * (w // p)

# %% [dit.patchify] overlapping patches
# hint: The patches overlap: they begin at every pixel. They lie side by side.
# replace:
b, c, h, w = x.shape
x = x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1)  # (b, h/p, w/p, p, p, c)
return x.reshape(b, (h // p) * (w // p), p * p * c)
# by:
return F.unfold(x, p).unflatten(1, (x.shape[1], -1)).permute(0, 3, 2, 1).flatten(2)

# %% [dit.patchify] the patches stay in a grid
# hint: The patches keep two axes, rows and columns of the image. A sequence has one.
# edit: return x.reshape(b, (h // p) * (w // p), p * p * c) → return x.flatten(3)

# %% [dit.patchify] the patches stay patches
# hint: The patches are in a row, but each is still a small image. A token is one line of numbers.
# edit: p * p * c) → p, p, c)

# %% [dit.patchify] pixels and channels not joined
# hint: A token still has two axes, pixels and channels: they are joined into one.
# edit: p * p * c) → p * p, c)

# %% [dit.patchify] six axes
# hint: The axes are in order, but nothing is joined: six come back where three are wanted.
# edit: return x.reshape(b, (h // p) * (w // p), p * p * c) → return x

# %% [dit.patchify] tokens of all images in one row
# hint: The tokens of all images stand in one axis. Each image keeps its own sequence.
# edit: return x.reshape(b, (h // p) * (w // p), p * p * c) → return x.reshape(-1, p * p * c)

# %% [dit.patchify] a batch of tokens
# hint: The first axis counts tokens and the second images. It is the other way round.
# edit: p * p * c) → p * p * c).transpose(0, 1)

# %% [dit.patchify] samples mixed
# hint: The last reshape gives the axes of samples and tokens in another order than the numbers lie: tokens of one image
# hint: come to another.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(2, 4, 0, 3, 5, 1)

# %% [dit.patchify] a token for each pixel
# hint: There is a token for each pixel: the patches are not cut.
# edit: (h // p) * (w // p), p * p * c) → h * w, c)

# %% [dit.patchify] a token for each channel of a patch
# hint: Each channel of a patch is a token of its own. A token holds all channels.
# edit: (h // p) * (w // p), p * p * c) → (h // p) * (w // p) * c, p * p)

# %% [dit.patchify] the mean of a patch
# hint: A token is the mean of its patch: what differs inside of it is lost.
# edit: return x.reshape(b, (h // p) * (w // p), p * p * c) → return x.mean(dim=(3, 4)).flatten(1, 2)

# %% [dit.patchify] the first pixel of a patch
# hint: A token holds one pixel of its patch; the others are lost.
# edit: return x.reshape(b, (h // p) * (w // p), p * p * c) → return x[:, :, :, 0, 0].flatten(1, 2)

# %% [dit.patchify] patches from the last to the first
# hint: The tokens come from the last to the first.
# edit: p * p * c) → p * p * c).flip(1)

# %% [dit.patchify] pixels from the last to the first
# hint: The numbers of a token come from the last to the first.
# edit: p * p * c) → p * p * c).flip(2)

# %% [dit.patchify] images turned first
# hint: Height and width have changed places before the cut: patches and their pixels come column by column.
# edit: b, c, h, w = x.shape → x = x.transpose(2, 3).reshape(x.shape); b, c, h, w = x.shape

# %% [dit.patchify] channels-last by a reshape
# hint: Channels come last by a reshape, which moves no number: x is still sorted by channel.
# edit: x.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1) → x.reshape(b, h // p, p, w // p, p, c).permute(0, 1, 3, 2, 4, 5)

# %% [dit.patchify] a view of what is not in order
# hint: A `view` needs numbers that lie in the order of their axes, and after a permutation they do not. What makes a new
# hint: tensor where it must?
# edit: return x.reshape( → return x.view(

# %% [dit.patchify] five axes moved
# hint: After the split there are six axes, and `permute` wants each of them once.
# edit: permute(0, 2, 4, 3, 5, 1) → permute(0, 2, 4, 3, 1)

# %% [dit.patchify] without a gradient
# hint: The tokens are cut off from x, so that nothing before them could learn.
# edit: p * p * c) → p * p * c).detach()

# %% [dit.patchify] float32 always
# hint: The numbers change their precision on the way.
# edit: p * p * c) → p * p * c).float()

# %% [dit.patchify] a list of patches
# hint: A list comes back; one tensor of all tokens is wanted.
# edit: return x.reshape(b, (h // p) * (w // p), p * p * c) → return list(x.reshape(b, (h // p) * (w // p), p * p * c).unbind(1))

# %% [dit.patchify] the shape as well
# hint: A tuple comes back: the tokens alone are wanted.
# edit: return x.reshape(b, (h // p) * (w // p), p * p * c) → return x.reshape(b, (h // p) * (w // p), p * p * c), (h // p, w // p)

# %% [dit.patchify] nothing returned
# hint: Nothing comes back: a `return` is missing.
# edit: return x → x = x

# %% [dit.patchify] scaled to [0, 1]
# hint: The numbers themselves are changed. Only their places change.
# edit: return x. → return ((x + 1) / 2).

# ---- dit.unpatchify --------------------------------------------------------------------------------------------------

# %% [dit.unpatchify] channels first in a patch
# hint: A token is read as if it held one channel after the other. In yours, of patchify, the channels of a pixel lie side
# hint: by side.
# edit: p, p, -1).permute(0, 5, 1, 3, 2, 4) → -1, p, p).permute(0, 3, 1, 4, 2, 5)

# %% [dit.unpatchify] the channels between rows and columns
# hint: A token is read as if its channels stood between the rows and the columns of the patch.
# edit: p, p, -1).permute(0, 5, 1, 3, 2, 4) → p, -1, p).permute(0, 4, 1, 3, 2, 5)

# %% [dit.unpatchify] patches turned
# hint: Each patch is turned: its rows have become columns.
# edit: permute(0, 5, 1, 3, 2, 4) → permute(0, 5, 1, 4, 2, 3)

# %% [dit.unpatchify] patches turned, channels first
# hint: Each patch is turned, and its channels are read as if they came first.
# edit: p, p, -1).permute(0, 5, 1, 3, 2, 4) → -1, p, p).permute(0, 3, 1, 5, 2, 4)

# %% [dit.unpatchify] patches column by column
# hint: The tokens are put down column by column of the image. They come row by row.
# edit: reshape(len(tokens), h // p, w // p, p, p, -1).permute(0, 5, 1, 3, 2, 4) → reshape(len(tokens), w // p, h // p, p, p, -1).permute(0, 5, 2, 3, 1, 4)

# %% [dit.unpatchify] both orders turned
# hint: Rows and columns have changed places twice: among the patches, and inside each.
# edit: reshape(len(tokens), h // p, w // p, p, p, -1).permute(0, 5, 1, 3, 2, 4) → reshape(len(tokens), w // p, h // p, p, p, -1).permute(0, 5, 2, 4, 1, 3)

# %% [dit.unpatchify] patches column by column, channels first
# hint: The tokens are put down column by column, and each is read as if its channels came first.
# edit: reshape(len(tokens), h // p, w // p, p, p, -1).permute(0, 5, 1, 3, 2, 4) → reshape(len(tokens), w // p, h // p, -1, p, p).permute(0, 3, 2, 4, 1, 5)

# %% [dit.unpatchify] h/p and w/p changed
# hint: Height and width have changed places where the tokens are split into rows. With square images you would not see it.
# edit: h // p, w // p, p, p, -1) → w // p, h // p, p, p, -1)

# %% [dit.unpatchify] the pixels of a patch spread out
# hint: The pixels of a token are spread over the image, so many rows and columns apart: inside a side, the number of the
# hint: patch comes before the place in it.
# edit: permute(0, 5, 1, 3, 2, 4) → permute(0, 5, 3, 1, 4, 2)

# %% [dit.unpatchify] the pixels spread out, channels first
# hint: The pixels of a token are spread over the image, and its channels are read as if they came first.
# edit: p, p, -1).permute(0, 5, 1, 3, 2, 4) → -1, p, p).permute(0, 3, 4, 1, 5, 2)

# %% [dit.unpatchify] patchify's permutation again
# hint: The axes are permuted as in patchify. The inverse of a permutation is, as a rule, another one: say for each axis
# hint: where it is to go.
# edit: permute(0, 5, 1, 3, 2, 4) → permute(0, 2, 4, 3, 5, 1)

# %% [dit.unpatchify] rows and columns not brought together
# hint: The channels went to the front, and the rest stayed: a row of the image is filled by one patch after the other. To
# hint: which axis does a row inside a patch belong?
# edit: permute(0, 5, 1, 3, 2, 4) → permute(0, 5, 1, 2, 3, 4)

# %% [dit.unpatchify] channels not brought to the front
# hint: Rows and columns are in order, but the channels are still the last axis when the image is put together.
# edit: permute(0, 5, 1, 3, 2, 4) → permute(0, 1, 3, 2, 4, 5)

# %% [dit.unpatchify] channels-last images
# hint: The images come as (b, h, w, c); (b, c, h, w) is wanted.
# edit: permute(0, 5, 1, 3, 2, 4) → permute(0, 1, 3, 2, 4, 5)
# edit: return x.reshape(len(tokens), -1, h, w) → return x.reshape(len(tokens), h, w, -1)

# %% [dit.unpatchify] a reshape alone
# hint: The tokens are only given another shape: no number moves.
# edit: .permute(0, 5, 1, 3, 2, 4) →

# %% [dit.unpatchify] a reshape alone, channels in front
# hint: The tokens are given the shape of images at once: no number moves.
# replace:
x = tokens.reshape(len(tokens), h // p, w // p, p, p, -1).permute(0, 5, 1, 3, 2, 4)  # (b, c, h/p, p, w/p, p)
return x.reshape(len(tokens), -1, h, w)
# by:
return tokens.transpose(1, 2).reshape(len(tokens), -1, h, w)

# %% [dit.unpatchify] height and width changed at the end
# hint: The images come with height and width changed.
# edit: -1, h, w) → -1, w, h)

# %% [dit.unpatchify] the images turned
# hint: The images are turned: rows are columns.
# edit: -1, h, w) → -1, h, w).transpose(2, 3)

# %% [dit.unpatchify] as many patches in a row as in a column
# hint: A row is given as many patches as a column. Images need not be square.
# edit: h // p, w // p, p, p, -1) → h // p, h // p, p, p, -1)

# %% [dit.unpatchify] a reshape to wrong numbers
# hint: A reshape is asked for more or fewer numbers than there are. How many rows and columns of *patches* are there? (A
# hint: root of their number is right for square images only.)
# edit: h // p, w // p, p, p, -1) → h, w, p, p, -1)

# %% [dit.unpatchify] three channels always
# hint: The first images go well; with another number of channels, or another p, a reshape does not fit. Is one of them
# hint: written as a number?
# edit: p, p, -1) → p, p, 3)

# %% [dit.unpatchify] two samples always
# hint: The number of samples is fixed: one image alone does not work.
# edit: return x.reshape(len(tokens), → return x.reshape(2,

# %% [dit.unpatchify] six axes
# hint: The axes are in order, but they are not joined: an image has four.
# edit: return x.reshape(len(tokens), -1, h, w) → return x

# %% [dit.unpatchify] rows joined only
# hint: The rows are joined and the columns are not.
# edit: return x.reshape(len(tokens), -1, h, w) → return x.flatten(2, 3)

# %% [dit.unpatchify] the tokens mixed between samples
# hint: Samples mix: their axis was moved before the last reshape.
# edit: permute(0, 5, 1, 3, 2, 4) → permute(5, 0, 1, 3, 2, 4)

# %% [dit.unpatchify] the patches from the last to the first
# hint: The tokens are put down from the last to the first.
# edit: x = tokens. → x = tokens.flip(1).

# %% [dit.unpatchify] a view of what is not in order
# hint: A `view` needs numbers that lie in the order of their axes, and after a permutation they do not. What makes a new
# hint: tensor where it must?
# edit: return x.reshape( → return x.view(

# %% [dit.unpatchify] five axes moved
# hint: After the split there are six axes, and `permute` wants each of them once.
# edit: permute(0, 5, 1, 3, 2, 4) → permute(0, 5, 1, 3, 2)

# %% [dit.unpatchify] without a gradient
# hint: The images are cut off from the tokens, so that no network before could learn.
# edit: return x. → return x.detach().

# %% [dit.unpatchify] float32 always
# hint: The numbers change their precision on the way.
# edit: return x. → return x.float().

# %% [dit.unpatchify] brought into [−1, 1]
# hint: The numbers themselves are changed. Only their places change.
# edit: return x. → return x.clamp(-1, 1).

# %% [dit.unpatchify] nothing returned
# hint: Nothing comes back: a `return` is missing.
# edit: return x → x = x

# ---- dit.modulate ----------------------------------------------------------------------------------------------------

# %% [dit.modulate] scale and shift changed
# hint: shift multiplies and scale is added: they have changed places.
# edit: (1 + scale[:, None]) + shift[:, None] → (1 + shift[:, None]) + scale[:, None]

# %% [dit.modulate] the 1 missing
# hint: Where scale is 0 all tokens become the same. scale says by how much x *changes*.
# edit: (1 + scale[:, None]) → scale[:, None]

# %% [dit.modulate] scale and shift changed, without the 1
# hint: shift multiplies and scale is added, and the 1 is missing.
# edit: (1 + scale[:, None]) + shift[:, None] → shift[:, None] + scale[:, None]

# %% [dit.modulate] the 1 added to the product
# hint: The 1 is added to the result, and x alone is lost: mind the brackets.
# edit: (1 + scale[:, None]) → scale[:, None] + 1

# %% [dit.modulate] without brackets
# hint: The scale is added where it should multiply. (Without brackets x is multiplied by the 1 alone.)
# edit: (1 + scale[:, None]) → 1 + scale[:, None]

# %% [dit.modulate] shifted first
# hint: The shift is added before the scaling, so that it is scaled as well.
# edit: x * (1 + scale[:, None]) + shift[:, None] → (x + shift[:, None]) * (1 + scale[:, None])

# %% [dit.modulate] both have a 1
# hint: The shift has a 1 as well: where both are 0, x does not stay as it is.
# edit: + shift[:, None] → + 1 + shift[:, None]

# %% [dit.modulate] minus the scale
# hint: The scale is taken from 1.
# edit: 1 + scale → 1 - scale

# %% [dit.modulate] the scale minus 1
# hint: 1 is taken from the scale: where scale is 0, x changes its sign.
# edit: (1 + scale[:, None]) → (scale[:, None] - 1)

# %% [dit.modulate] minus the shift
# hint: The shift is taken away.
# edit: + shift → - shift

# %% [dit.modulate] divided by the scale
# hint: x is divided by the scale.
# edit: x * → x /

# %% [dit.modulate] the exponential of the scale
# hint: The scale goes through an exponential. (2) is linear in it.
# edit: (1 + scale[:, None]) → scale[:, None].exp()

# %% [dit.modulate] the scale bounded
# hint: The scale goes through a tanh. (2) is linear in it.
# edit: scale[:, None] → scale[:, None].tanh()

# %% [dit.modulate] a sigmoid
# hint: The scale goes through a sigmoid, as a gate of an LSTM does. (2) is linear in it.
# edit: (1 + scale[:, None]) → scale[:, None].sigmoid()

# %% [dit.modulate] without the shift
# hint: The shift is not used.
# edit: + shift[:, None] →

# %% [dit.modulate] without the scale
# hint: The scale is not used.
# edit: x * (1 + scale[:, None]) → x

# %% [dit.modulate] without x
# hint: x stands in the product no more: all tokens of a sample become the same.
# edit: x * (1 → (1

# %% [dit.modulate] a residual inside
# hint: x is counted twice: where scale is 0 it is doubled.
# edit: return x * → return x + x *

# %% [dit.modulate] the shift multiplied by x
# hint: The shift is multiplied by x as well.
# edit: x * (1 + scale[:, None]) + shift[:, None] → x * (1 + scale[:, None] + shift[:, None])

# %% [dit.modulate] no axis for the tokens
# hint: shift and scale (b, d) meet x (b, n, d) from the right: samples are taken for tokens. They need an axis for the
# hint: tokens.
# edit: [:, None] →

# %% [dit.modulate] no axis for the scale
# hint: The scale meets x from the right, so that its samples are taken for tokens: an axis is missing.
# edit: scale[:, None] → scale

# %% [dit.modulate] no axis for the shift
# hint: The shift meets x from the right, so that its samples are taken for tokens: an axis is missing.
# edit: shift[:, None] → shift

# %% [dit.modulate] the axis at the end
# hint: The new axis stands at the end, so that the channels of shift and scale are taken for tokens. Which axis of x do
# hint: they lack?
# edit: [:, None] → [:, :, None]

# %% [dit.modulate] the scale's axis at the end
# hint: The scale's new axis stands at the end, so that its channels are taken for tokens.
# edit: scale[:, None] → scale[:, :, None]

# %% [dit.modulate] the shift's axis at the end
# hint: The shift's new axis stands at the end, so that its channels are taken for tokens.
# edit: shift[:, None] → shift[:, :, None]

# %% [dit.modulate] two new axes
# hint: shift and scale have got two new axes, as for images (b, c, h, w); tokens have three axes in all.
# edit: [:, None] → [:, :, None, None]

# %% [dit.modulate] two new axes in the middle
# hint: One new axis too many stands in the middle, so that every sample meets every sample.
# edit: [:, None] → [:, None, None]

# %% [dit.modulate] two new axes for the scale
# hint: The scale has got two new axes, as for images (b, c, h, w).
# edit: scale[:, None] → scale[:, :, None, None]

# %% [dit.modulate] the first sample's for all
# hint: Every sample is scaled and shifted by the first one's numbers.
# edit: [:, None] → [:1, None]

# %% [dit.modulate] the mean of the samples
# hint: All samples share the mean scale and shift.
# edit: [:, None] → .mean(0)

# %% [dit.modulate] one number for all channels
# hint: All channels share the mean scale and shift.
# edit: scale[:, None] → scale[:, None].mean(dim=2, keepdim=True)
# edit: shift[:, None] → shift[:, None].mean(dim=2, keepdim=True)

# %% [dit.modulate] the mean scale
# hint: All channels are scaled by one number. Each has its own.
# edit: scale[:, None] → scale[:, None].mean(dim=2, keepdim=True)

# %% [dit.modulate] normed inside
# hint: x is normed here. The norm has its own place, before this function.
# edit: return x * → return F.layer_norm(x, x.shape[-1:]) *

# %% [dit.modulate] normed after
# hint: The result is normed: then scale and shift have hardly any effect.
# edit: return x * (1 + scale[:, None]) + shift[:, None] → return F.layer_norm(x * (1 + scale[:, None]) + shift[:, None], x.shape[-1:])

# %% [dit.modulate] without a gradient for the scale
# hint: The scale has no gradient: the network could not learn to scale.
# edit: scale[:, None] → scale.detach()[:, None]

# %% [dit.modulate] without a gradient for the shift
# hint: The shift has no gradient: the network could not learn to shift.
# edit: shift[:, None] → shift.detach()[:, None]

# %% [dit.modulate] without gradients for both
# hint: Scale and shift have no gradient: the network could not learn from the time.
# edit: [:, None] → .detach()[:, None]

# %% [dit.modulate] without a gradient for x
# hint: x has no gradient: nothing before this function could learn.
# edit: return x → return x.detach()

# %% [dit.modulate] without any gradient
# hint: The answer is cut off from all it is made of.
# edit: return x * (1 + scale[:, None]) + shift[:, None] → return (x * (1 + scale[:, None]) + shift[:, None]).detach()

# %% [dit.modulate] written into x
# hint: The tokens of the caller are changed: an operation with an underscore, or `*=`, writes into them.
# edit: return x * (1 + scale[:, None]) + shift[:, None] → return x.mul_(1 + scale[:, None]).add_(shift[:, None])

# %% [dit.modulate] float32 always
# hint: The numbers change their precision on the way.
# edit: return x * (1 + scale[:, None]) + shift[:, None] → return (x * (1 + scale[:, None]) + shift[:, None]).float()

# %% [dit.modulate] a tuple
# hint: A tuple comes back; the modulated tokens alone are wanted.
# edit: + shift[:, None] → + shift[:, None], x

# %% [dit.modulate] nothing returned
# hint: Nothing comes back: a `return` is missing.
# edit: return x → x = x
