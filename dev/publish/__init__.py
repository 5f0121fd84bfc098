# Part of Pay Now. See LICENSE file for full copyright and licensing details.
"""What is published: the wheel, the image, the page of the store; made, and shown to work."""
