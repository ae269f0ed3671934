"""What a net senses: transforms of waves and clips in torch alone, so that an exported model can hold them."""
